package checkers

// stuck: after the load had ended the lane did not quiesce, or its queue was not proven drained, within Limits.Drain. It names no messages:
// what is still on its way is neither lost nor late.
const stuck = "stuck"
