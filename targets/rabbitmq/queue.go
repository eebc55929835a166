package rabbitmq

// kind is how a queue keeps its messages.
type kind string

const (
	classic  kind = "classic"  // on one node
	mirrored kind = "mirrored" // classic, with a mirror on every node; up to 3.13
	quorum   kind = "quorum"   // a Raft group of three
)

// names are what one lane's queue is called on the broker. Messages go through the default exchange, which routes by the
// name of the queue: there is no binding that could be lost beside the queue.
type names struct {
	exchange string // "": the default exchange
	queue    string // durable
	key      string // routing key that reaches the queue
	nowhere  string // routing key that reaches no queue
}

func namesOf(queue string) names {
	return names{exchange: "", queue: queue, key: queue, nowhere: queue + ".nowhere"}
}
