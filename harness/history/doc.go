// Package history holds what was observed in a run: the vocabulary of events, the flight recorder that each
// goroutine of a worker writes them with, and the reader that merges the recordings by time.
//
// A recorder writes into a memory-mapped file, so that SIGKILL at any instruction loses nothing that was recorded;
// a crash of the machine is out of its scope, since it syncs only when it is closed. The package draws no
// conclusions: it does not know what a promise is, and does not judge what it reads. It audits nothing, starts nothing
// and talks to no broker.
//
// # The file format, version 1
//
// A history is a folder with any number of segments: files ending in ".seg", one for each goroutine that records.
// Numbers of fixed width are little endian. A varint is encoding/binary's unsigned varint; zigzag maps signed numbers
// to unsigned ones (0, -1, 1, -2, …). Checksums are CRC-32C.
//
// A segment is a header page of 4,096 bytes followed by blocks without gaps.
//
//	   0    8  magic number: 0x89 and "waybill"
//	   8    4  version of the format: 1
//	  12    4  length n of the identity
//	  16    n  identity: life (varint), then run, role, slot, host, lane, goroutine and version,
//	           each a varint length and that many bytes
//	16+n       zeros
//	2044    4  checksum of bytes 0 to 2043
//	2048 1024  counters of 8 bytes, by the number of the Counter: live figures, under no checksum
//	3072    8  committed length of the file: nothing beyond it means anything
//	3080    4  checksum of the committed length and the mark behind this field, once sealed
//	3084    4  mark: 0 not sealed, 1 sealed by its owner, 2 sealed by the harness after the owner's death
//	3088 1008  zeros
//
// The recorder writes a record's bytes first and then stores the committed length atomically. A segment that is not
// sealed is therefore whole up to its committed length, whether its owner is alive or dead. A file shorter than its
// committed length was cut.
//
// A block starts at a multiple of 8:
//
//	0    4  length n of the records that follow, 0 while the block is not sealed
//	4    4  checksum of the block's offset in the file (8 bytes), n (4 bytes) and the records
//	8    n  records; a byte 0 in the place of a record's first byte ends the block, and zeros fill it up
//
// Only the last block of a segment that is not sealed may lack its checksum. A block is sealed once it holds 32 KiB
// and is never longer than 256 KiB. What follows is relative to the block's start, so that every block can be read
// without the others.
//
// # Records
//
// The state of the decoder is the time of the previous record of the block (0 at its start), and for each kind a
// predicted event, its steps and its gap, all zero at first. A record is in one of two forms.
//
//	1kkktttt         short: all fields are as predicted. kkk picks one of eight frequent kinds: Send, Outcome,
//	                 Delivery, AckCalled, AckOutcome, ApplyBegin, ApplyEnd, Copy. tttt is the time code; 15 means
//	                 that the time code less 15 follows as a varint.
//	0kkkkkkk         long: the kind, then a varint time code, a varint mask of the fields that are not as predicted,
//	                 and these fields in the order of their bits.
//
// Time is told relative to the previous record of any kind. If the gap (the distance that the previous record of the
// same kind had to the record before it; 0 for the first of a block) was 256 ticks or more, the same gap is expected
// again, otherwise none. The
// time code is the zigzag of the difference to what was expected; only in the short form, where no gap is expected,
// it is the difference plus one, in 64-bit arithmetic that wraps around. (An invocation may be one tick earlier than the completion before it, because the
// one is rounded down and the other up.)
//
// A number is the zigzag varint of its difference to the prediction, in 64-bit arithmetic that wraps around; a string
// is a varint length, at most 65,536, and its bytes. The bits:
//
//	0 Msg.Life   1 Msg.Seq   2 Pos.Offset   3 Tag         4 Key              5 BrokerTime     6 Call
//	7 Intended   8 Attempt   9 Status      10 Reason     11 Origin          12 Flags         13 Count
//	14 Lane     15 Session  16 Txn         17 Ref        18 Other           19 Pos.Partition 20 Pos.Epoch
//	21 From     22 To       23 Name        24 Text       25 Pos.Incarnation
//
// Each field is predicted to be as in the previous event of the same kind, but: Msg.Seq, Pos.Offset and Tag are
// predicted to be one more, unless they were 0; where Msg.Seq misses its prediction and Msg.Life does not,
// Pos.Offset is predicted to miss by as much; Key, Call and Intended are predicted to take the same step again;
// BrokerTime is predicted, unless it was 0, to have advanced as far as Time did since the previous event of the kind.
// A step is first known with the second event of its kind, and 0 before.
//
// Every kind is encoded alike, so a reader skips kinds that it does not know. A new kind needs no new version; a new
// field, a new prediction or a ninth frequent kind does.
package history
