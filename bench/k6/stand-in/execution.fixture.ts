/** `k6/execution`. */
export default {
  scenario: { name: '', startTime: Date.now(), iterationInTest: 0 },
  vu: { idInTest: 1 },
};
