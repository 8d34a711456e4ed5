-- Which log the offsets are of, as the log says; null where that is not known, as from before it was kept.
alter table checkpoint add column log_identity text;
