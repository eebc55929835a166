// Package checkers is the audit: a history in, a verdict out.
//
// Audit is a pure function of what a run directory holds: the history, the facts about its segments, the experiment and the
// schedule. It starts nothing, speaks to no broker and imports no client, so that a verdict can be repeated years later.
//
// It reads the history once, in order of time, and keeps for each lane a handful of sets of messages (package msgset: a fraction of a
// bit a message each, nothing for an offset). At each lane's checkpoint every Check looks at those sets and names the messages
// that newly show its anomaly: a finding belongs to the first episode at whose checkpoint it is visible, and what has been
// reported under one anomaly of a group is not reported again under another. Only where positions must be known exactly, for
// pages of messages whose fingerprints differ and for messages already found, the history is read a second time.
//
// What the history must be like is the protocol of harness/run:
//   - LifeStart comes before the first event of that life; an event's lane is its Lane, or, where that is 0, its life's.
//   - Send and Outcome, Receive and Delivery, and so on, are recorded before and after the act, in one life.
//   - A checkpoint of a lane is: scans of the whole queue (first offset to last, not only what is new), a complete readback,
//     CheckpointEnd. Between the load's end and CheckpointEnd nothing is sent on that lane.
//
// A check is one file: it says in its comment what the anomaly is, and in code which messages show it.
package checkers
