/**
 * A type whose optional fields may also be there and undefined. Objects that are made with all fields, in one order, have one shape:
 * compiled code finds their fields without looking, which is half of the time that a check of twenty fields takes.
 */
export type MayBeUndefined<Type> = {
  [Name in keyof Type]: object extends Pick<Type, Name> ? Type[Name] | undefined : Type[Name];
};
