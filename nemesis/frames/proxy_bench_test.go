package frames

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// BenchmarkProxy measures what the proxy, its filter without rules included, costs a NATS client on loopback: each step is taken
// directly and through the proxy in turn, and the metric is the ratio of the two times. An upper bound: a network is slower than loopback.
func BenchmarkProxy(b *testing.B) {
	publish := fmt.Appendf(nil, "PUB orders 1024\r\n%s\r\n", bytes.Repeat([]byte("x"), 1024))
	for _, c := range []struct {
		name     string
		request  []byte
		requests int // in one write; the other end answers the last
	}{
		{"round trip", []byte("PING\r\n"), 1},
		{"one message of 1 KiB", publish, 1},
		{"throughput of 1 KiB messages", publish, 1000},
	} {
		b.Run(c.name, func(b *testing.B) {
			request := bytes.Repeat(c.request, c.requests)
			p := proxy(b)
			through, broker := p.connect(b)
			straight := dial(b, p.broker.Addr().String())
			direct, err := p.broker.AcceptTCP()
			must(b, err)
			b.Cleanup(func() { direct.Close() })
			for _, c := range []*net.TCPConn{through, broker, straight, direct} {
				must(b, c.SetDeadline(time.Time{}))
			}
			go answer(direct, len(request))
			go answer(broker, len(request))
			var took [2]time.Duration
			pong := make([]byte, len(answered))
			for b.Loop() {
				for i, conn := range []*net.TCPConn{straight, through} {
					begin := time.Now()
					if _, err := conn.Write(request); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(conn, pong); err != nil {
						b.Fatal(err)
					}
					took[i] += time.Since(begin)
				}
			}
			b.ReportMetric(0, "ns/op") // of both together: says nothing
			for i, name := range []string{"direct-ns", "proxied-ns"} {
				b.ReportMetric(float64(took[i])/float64(b.N), name)
			}
			b.ReportMetric(float64(took[1])/float64(took[0]), "ratio")
		})
	}
}

const answered = "PONG\r\n"

// answer answers each request of so many bytes.
func answer(c net.Conn, size int) {
	buffer := make([]byte, size)
	for {
		if _, err := io.ReadFull(c, buffer); err != nil {
			return
		}
		if _, err := io.WriteString(c, answered); err != nil {
			return
		}
	}
}
