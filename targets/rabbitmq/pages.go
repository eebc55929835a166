package rabbitmq

import "waybill/harness/semantics"

// pages is the vendor's documentation as it stood at one commit, for one series of versions. Quotations are without its markup.
type pages struct {
	series  string // of versions
	root    string // address of the folder
	mirrors bool   // mirrored queues exist
	syncs   string // classic queues sync persistent messages to disk so. In 3.10 the index is synced before the confirmation; 4.2 has another (classic queues of version 2), which writes and never syncs, though the page on confirms still says "persisting to disk"
}

const website = "https://github.com/rabbitmq/rabbitmq-website/blob/"

var (
	pages3 = pages{series: "RabbitMQ 3.10", root: website + "75e4127f874d4776ddb8384fa402b1fc5194448d/site/", mirrors: true, syncs: semantics.SyncedBefore}
	pages4 = pages{series: "RabbitMQ 4.2", root: website + "0acf2a429b51aa35667af4369b8353317ebea524/versioned_docs/version-4.2/", syncs: semantics.SyncedNever}
)

// pagesOf chooses by the major version. What cannot be parsed is refused elsewhere, and described as the default.
func pagesOf(version string) pages {
	if r, err := parseVersion(version); err == nil && !r.hasMirrors() {
		return pages4
	}
	return pages3
}

func (p pages) source(page, quote string) semantics.Source {
	return semantics.Source{Quote: quote, URL: p.root + page, Version: p.series}
}

const quoteUnroutable = "For unroutable messages, the broker will issue a confirm once the exchange verifies a message won't route to any queue " +
	"(returns an empty list of queues)."

func (p pages) atMostOnce() semantics.Source {
	return p.source("reliability.md", "Without acknowledgements, message loss is possible during publish and consume operations and only "+
		"at most once delivery is guaranteed.")
}

func (p pages) persisted() semantics.Source {
	return p.source("confirms.md", "When manual acknowledgements are used, any delivery (message) that was not acked is automatically requeued when "+
		"the channel (or connection) on which the delivery happened is closed. […] For routable messages, the basic.ack is sent when a message has "+
		"been accepted by all the queues. For persistent messages routed to durable queues, this means persisting to disk.")
}

func (p pages) mirrored() semantics.Source {
	return p.source("ha.md", "As the chosen mirror becomes the leader, no messages that are published to the mirrored queue during this time will be "+
		"lost (barring subsequent failures on the promoted node). […] Equally, in the case of publisher confirms, a message will only be confirmed "+
		"to the publisher when it has been accepted by all of the mirrors.")
}

func (p pages) quorum() semantics.Source {
	page := "quorum-queues.md"
	if !p.mirrors {
		page = "quorum-queues/index.md"
	}
	return p.source(page, "Quorum queues are designed to provide data safety under network partition and failure scenarios. A message that was "+
		"successfully confirmed back to the publisher using the publisher confirms feature should not be lost as long as at least a majority of "+
		"RabbitMQ nodes hosting the quorum queue are not permanently made unavailable. […] As quorum queues persist all data to disks before "+
		"doing anything it is recommended to use the fastest disks possible.")
}

func (p pages) unroutable() semantics.Source { return p.source("confirms.md", quoteUnroutable) }

func (p pages) mandatory() semantics.Source {
	return p.source("confirms.md", quoteUnroutable+" If the message is also published as mandatory, the basic.return is sent to the client before "+
		"basic.ack. […] For quorum queues, this means that a quorum replicas have accepted and confirmed the message to the elected leader.")
}
