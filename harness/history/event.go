package history

// Life numbers one incarnation of a process. Numbers start at 1 and are never reused within a run.
type Life uint32

// Msg identifies a message: the producer life that sent it and its sequence number there, from 1.
type Msg struct {
	Life Life
	Seq  uint64
}

// Position is where a broker says, or a scan found, a copy of a message to be.
// Offset 0 means "no position": brokers whose offsets start at 0 are shifted by one when recorded.
type Position struct {
	Incarnation uint32 // of the queue: a queue that was deleted and made anew is another one
	Partition   uint32
	Offset      int64
	Epoch       uint64 // leader epoch or term, where known
}

// Event is one observation. Which fields mean something depends on Kind (see the Kind constants);
// the others are zero. Time is in ticks of one microsecond of CLOCK_MONOTONIC, rounded down for
// invocations (lower bounds) and up for completions (upper bounds), so that intervals only widen.
type Event struct {
	Time    int64
	Segment int  // which segment it was read from: set by the reader, ignored by the recorder
	Life    Life // whose segment that is: set by the reader, ignored by the recorder

	Kind   Kind
	Status Status
	Reason Reason
	Origin Origin
	Flags  Flags

	Lane       uint32 // index of the lane in the experiment, from 0
	Msg        Msg
	Attempt    uint32 // from 1; 0 where it could not be read
	Key        uint32
	Session    uint32
	Txn        uint64
	Intended   int64 // ticks: when an open-loop producer meant to send
	Pos        Position
	Call       uint64 // receive call, counted by the consumer life from 1
	Tag        uint64 // delivery tag, or consumer sequence
	Count      uint64 // delivery count (1 = first), or how many
	BrokerTime int64  // microseconds since the Unix epoch, on the broker's clock
	From, To   int64  // a range, both inclusive
	Ref        uint64 // number of the episode, fault, checkpoint or scan that the event belongs to
	Other      Life   // another life concerned: the victim, the life that ended
	Name       string // of a host, fault, phase, queue, group, node or file
	Text       string // free text: why, what, configuration
}

// Kind says what was observed. The numbers are part of the file format: never renumber, only append.
type Kind uint8

// "begin" and "called" kinds are invocations, recorded before the act; the rest are completions, recorded after.
const (
	// The run.
	PhaseBegin      Kind = iota + 1 // Name
	PhaseEnd                        // Name
	EpisodeBegin                    // Ref episode, Name fault
	EpisodeEnd                      // Ref episode
	CheckpointBegin                 // Ref episode
	CheckpointEnd                   // Ref episode, Lane, Status (OK: quiesced, drained and scanned; else Failed), Reason, Text why
	Seal                            // the segment ends here on purpose
	Starved                         // Count: microseconds for which a heartbeat was late
	ClockCheck                      // Count: width of the clock offset's bracket, nanoseconds
	Abort                           // Text: why the run was cut short

	// Processes.
	LifeStart // Other, Name host, Text role and configuration; Lane
	LifeEnd   // Other, Status, Reason (Planned, KilledByFault, Crashed), Ref fault's episode, Text status and last words
	ConnOpen  // Name address
	ConnLost  // Name address, Text why

	// Producers.
	SessionOpen   // Session, Text producer id and epoch
	SessionClose  // Session
	SessionFenced // Session, Text why
	Send          // Msg, Attempt, Key, Session, Intended, Txn; Flags: Doubt
	Outcome       // Msg, Attempt, Status (Acked, Rejected, Unknown), Reason, Origin, Pos; Flags: Duplicate, Returned, Cumulative, Resent
	GiveUp        // Msg, Reason: no further attempt will be made

	// Transactions.
	TxnBegin   // Txn: numbered by the processor's life from 1
	TxnMember  // Txn, Msg: an output, and Pos, the input that it was made from
	TxnEnd     // Txn; Flags: Commit (else abort): all outputs are stored, the end is called
	TxnOutcome // Txn, Status (OK: committed, Aborted, Fenced, Unknown), Reason, Text

	// Consumers.
	Subscribe  // Name group
	Assign     // Name group, Count generation, Pos partition and start
	Revoke     // Name group, Count generation, Pos
	Lost       // assignment lost: Name group, Count generation, Pos
	Cancelled  // by the broker: Text why
	Seek       // Pos.Partition, From, To, Text why
	Reset      // Pos.Partition, From, To, Text why
	Receive    // Call: a receive call begins
	Delivery   // Msg, Attempt, Pos, Call, Tag, Count, BrokerTime; Flags: Redelivered, Corrupt, Foreign
	AckCalled  // Msg, Pos, Tag; Flags: Nack, Reject, Commit, Cumulative; From..To: what a cumulative one covers
	AckOutcome // Msg, Pos, Tag, Status (Confirmed, Failed, Unknown, Unconfirmable), Reason

	// Effects.
	ApplyBegin  // Msg, Pos
	ApplyEnd    // Msg, Pos, Status (OK, DedupHit, Failed, Unknown)
	Readback    // Msg, Count: one effect read from where it lives, Ref checkpoint; an output also has Txn and Other (the life whose transaction wrote it), Pos; Flags: Corrupt, Foreign, Invisible (an output that no reader of committed messages sees: no effect)
	ReadbackEnd // Ref checkpoint, Lane, Count, Status: all effects of the lane were read

	// Inspectors.
	ScanBegin    // Ref checkpoint, Tag scan number, Lane, Name replica, From, To, Pos (incarnation, partition, epoch): one for each partition, before the first Copy
	Copy         // Tag scan number, Msg, Attempt, Key, Pos; Flags: Corrupt, Foreign, Invisible
	CommitMarker // Txn, Pos
	AbortMarker  // Txn, Pos
	ScanEnd      // Ref checkpoint, Tag scan number, Lane, Status (OK: complete), Count copies, From, To, Text why not
	Depth        // Lane, From ready, To unacked, Count pending, Name who said it
	DeadLetter   // Msg, Pos, Text why
	Policy       // Lane, Name, Text: a discard policy as the broker reports it

	// The cluster.
	Leader       // Lane, Name node, Pos (partition, epoch), Text of what: queue, consumer, controller
	InSync       // Lane, Name members, Pos partition, Count
	BrokerConfig // Name node, Text effective configuration

	// Faults.
	FaultPlan     // Ref episode, Name fault, Text symbolic plan
	FaultInject   // Ref episode, Name fault, Text resolved victims: the strike begins (invocation)
	FaultInjected // Ref episode: the strike is over
	FaultObserved // Ref episode, Status (OK: seen to bite; Failed: not), Text exposure, Count
	FaultHit      // Ref episode, Name kind of frame, Lane, Count bytes, Text what was done to it and where: to a frame of the life whose segment this is, or of Other, where a proxy beside it did
	FaultRecover  // Ref episode: recovery begins (invocation)
	FaultVerified // Ref episode, Status (OK, Failed), Text why: recovery verified or not
	FaultRefused  // Ref episode, Name fault, Text why
	FaultVictim   // Ref episode, Other life, Name host, Lane: concerned by the strike
	ServiceHealed // Ref episode, Lane, Status (OK, Failed), Reason, Count microseconds since recovery: a sentinel was acked and delivered
	DiskForgot    // Ref episode, Lane, Name host, Count bytes forgotten in files of the lane's queue or shared by all, From how many of those were in pages written in the last second before the power went, Text the disk's model
)

// Status is how something ended.
type Status uint8

const (
	NoStatus Status = iota
	OK
	Failed
	Acked
	Rejected
	Unknown
	Confirmed
	Unconfirmable
	DedupHit
	Aborted
	Fenced
)

// Reason is a code for why.
type Reason uint8

const (
	NoReason Reason = iota
	Timeout
	ConnectionClosed
	NotConnected // certain: nothing was handed to the network
	NoResponders
	BrokerError
	InvalidMessage
	NoConfirmation // the mode asks for none
	Planned
	KilledByFault
	Crashed
	Interrupted
	DiskFull
	LimitReached
	Withheld // on purpose, by the workload's own seeded probe
)

// Origin is who said so.
type Origin uint8

const (
	NoOrigin Origin = iota
	FromBroker
	FromClient
	FromTimeout
	FromClose
)

// Flags qualify an event.
type Flags uint16

const (
	Duplicate   Flags = 1 << iota // the broker answered that it had this message already
	Returned                      // unroutable, handed back
	Cumulative                    // covers earlier ones too
	Redelivered                   // the broker marked it so
	Corrupt                       // the checksum of the token does not match key and payload
	Foreign                       // the token is of another run: Text has it
	Invisible                     // in the log, but not shown to readers
	Nack
	Reject
	Commit
	Doubt // the workload sends again although the first attempt was acknowledged
	Sentinel
	Resent // the producer's library sent it more than once, within its session
)
