// Package linear decides whether a history of operations on a FIFO queue, or on a log with positions, is linearizable, in
// O(n log n), and names the operations that show why not.
//
// # Histories
//
// An operation has the interval [Call, Return] in ticks. A call's stamp is a lower bound and a return's an upper bound, so an
// operation comes before another one in real time only when it returned at a smaller tick than the other was called at: two
// stamps of one tick say nothing. Values are unique. An operation whose outcome nobody learnt is pending: it may have taken effect
// at any time after its call, or never. What certainly had no effect is to be left out.
//
// A history is linearizable (Herlihy and Wing, Linearizability: A Correctness Condition for Concurrent Objects, TOPLAS 12(3), 1990)
// when some of its pending operations can be completed, the others dropped, and all of them put in one sequence that keeps the order of
// real time and that the object could have done one after another.
//
// # The queue
//
// Write enq(v) and deq(v) for the operations on a value and < for the order of real time. A history without pending operations is
// linearizable exactly when none of these patterns is in it (Henzinger, Sezgin, Vafeiadis, Aspect-Oriented Linearizability Proofs, CONCUR
// 2013, who call them VFresh, VRepet, VOrd and VWit; Bouajjani, Emmi, Enea, Hamza, On Reducing Linearizability to State Reachability, ICALP
// 2015):
//
//	fresh     deq(v), and no enq(v)
//	early     deq(v) < enq(v), which the papers count as fresh
//	repeated  two deq(v)
//	order     enq(a) < enq(b), and deq(b) < deq(a), or b is dequeued and a never is
//	empty     a dequeue that found nothing, although at every tick of its interval some value was certainly in the queue
//
// A value is certainly in the queue at tick t when enq(v) returned before t and deq(v), if there is one, was called after t. So "order" is
// a question of dominance: among the values whose enqueue returned before that of b was called, is there one whose dequeue was
// called after that of b returned? And "empty" is one of covering: the open intervals (return of enq(v), call of deq(v)) of all values are
// joined where they overlap, and the closed interval of the dequeue must not lie within one joined piece. Both are a sort and a sweep.
// Intervals (1,3) and (3,5) do not join: at tick 3 the first value may be gone before the second one comes.
//
// Pending operations are completed in the one way that serves best, so that the patterns decide here too:
//
//   - A pending enqueue whose value was dequeued took effect, by then at the latest: it returns at the end of time.
//   - Any other pending enqueue is dropped. In a sequence in which it took effect, its value is never dequeued, or by a pending dequeue;
//     a queue's sequence stays one when a value is taken out of it altogether.
//   - Pending dequeues may have removed values that nobody else dequeued. What "order" and "empty" demand is that such a value is removed
//     by some tick, and that tick never falls as the return of the value's enqueue grows: whatever follows the later enqueue follows the
//     earlier one too. So the value whose enqueue returned first is given to the pending dequeue that was called first, and so on, in
//     pairs, until there is no more of either; if any assignment meets all demands, this one does (exchange two that are crossed).
//     Dequeues left over are dropped.
//
// # The log
//
// append(v) returns the position that v was given, positions rise in the order of appends and may leave gaps (markers and what was compacted
// lie there), read(p) returns the value at p, and end() returns a position beyond every append so far that no later one stays below.
// With positions known, the sequence is known, and the check is whether real time permits it:
//
//	fresh             a value read that was never appended
//	shared position   two values at one position
//	moved             one value at two positions
//	early             a value was read before its append was called
//	order             an append was called after another one had been seen, acknowledged or read, whose position is greater; or after an
//	                  end beyond it was returned
//
// For the last two let R(p) be the earliest return among the append at p and the reads of p, and c(p) the call of the append. The log is
// linearizable exactly when c(q) <= R(p) for all q <= p: then each append can take effect at the latest call among those at or below its
// own position. One sort by position and a running maximum decide it. A pending append whose value was read has the position of the
// read; one whose value nobody read is dropped, as it forbids nothing.
//
// # What this package does not do
//
// It knows no broker, reads no run directory, and is not for queues with competing consumers that deliver again what was not acknowledged:
// those promise neither that a value is dequeued once nor that it is dequeued in order, and to call them not linearizable says nothing new.
// It decides for unique values only, and every operation must be at hand: package checkers has the streaming form for a run's appends.
// Package window draws the operations around a violation. A check is a pure function and may run in several goroutines at once.
package linear
