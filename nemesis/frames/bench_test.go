package frames

import (
	"io"
	"net"
	"testing"
)

// nowhere takes what is written and says the same for ever.
type nowhere struct {
	script
	says []byte
}

func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) Read(b []byte) (int, error)  { return copy(b, n.says), nil }

// BenchmarkWrap measures what a filter without rules adds to a connection that costs nothing, and to one over loopback: buffers
// of sixteen frames with 256 bytes of payload each.
func BenchmarkWrap(b *testing.B) {
	const frames = 16
	body := string(make([]byte, 256))
	for _, c := range []struct {
		protocol      string
		open, out, in []byte
	}{
		{"nats", []byte("CONNECT {}\r\n"), natsPub("s.q.1", "_INBOX.0123456789.1", body), natsMsg("s.q.1", body)},
		{"kafka", nil, kafkaFrame(append(kafkaProduces(9, 1, 0)[4:], body...)), nil}, // without answers, which would have to match
		{"amqp", joined(amqpGreeting, amqpCall(1, channelOpen, 0), amqpCall(1, confirmSelect, 0)), amqpPublishes(1, 0, body), amqpTagged(1, basicAck, 1, 0)},
	} {
		out, in := repeated(c.out, frames), repeated(c.in, frames)
		for _, wrapped := range []bool{false, true} {
			name := "bare"
			wrap := func(c net.Conn) net.Conn { return c }
			if wrapped {
				f, _ := newFilter(b, c.protocol)
				name, wrap = "wrapped", f.Wrap
			}
			b.Run(c.protocol+"/write/"+name, func(b *testing.B) {
				w := wrap(&nowhere{})
				write(b, w, c.open)
				b.SetBytes(int64(len(out)))
				b.ReportAllocs()
				for b.Loop() {
					write(b, w, out)
				}
			})
			if len(in) > 0 {
				b.Run(c.protocol+"/read/"+name, func(b *testing.B) {
					w := wrap(&nowhere{says: in})
					write(b, w, c.open)
					p := make([]byte, len(in))
					b.SetBytes(int64(len(in)))
					b.ReportAllocs()
					for b.Loop() {
						if _, err := io.ReadFull(w, p); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			b.Run(c.protocol+"/loopback/"+name, func(b *testing.B) {
				w := wrap(drained(b))
				write(b, w, c.open)
				b.SetBytes(int64(len(out)))
				b.ReportAllocs()
				for b.Loop() {
					write(b, w, out)
				}
			})
		}
	}
}

func repeated(b []byte, n int) (r []byte) {
	for range n {
		r = append(r, b...)
	}
	return r
}

func write(b *testing.B, w io.Writer, p []byte) {
	if len(p) == 0 {
		return
	}
	if _, err := w.Write(p); err != nil {
		b.Fatal(err)
	}
}

// drained is a connection over loopback whose other end reads and forgets.
func drained(b *testing.B) net.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		io.Copy(io.Discard, c) //nolint:errcheck // ends with the connection
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close(); <-done })
	return c
}
