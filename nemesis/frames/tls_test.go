package frames

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// A Read that waits in TLS is ended when something delayed is due, and TLS goes on as if nothing had been.
func TestADelayedFrameComesInTimeAboveTLS(t *testing.T) {
	s := httptest.NewTLSServer(nil) // for its certificate
	s.Close()
	here, there := net.Pipe()
	broker := tls.Server(there, &tls.Config{Certificates: s.TLS.Certificates})
	publish, confirm, other := natsPub("s", "_INBOX.a", "1"), natsMsg("_INBOX.a", "ok"), natsMsg("s", "2")
	var all sync.WaitGroup
	defer all.Wait()
	defer there.Close()
	all.Go(func() {
		if _, err := broker.Read(make([]byte, 1000)); err != nil {
			return
		}
		for _, b := range [][]byte{confirm, other} {
			if _, err := broker.Write(b); err != nil {
				t.Error(err)
			}
		}
		if _, err := broker.Read(make([]byte, 1000)); err != nil { // after the delayed one was had
			return
		}
		if _, err := broker.Write(other); err != nil {
			t.Error(err)
		}
	})
	f, _ := newFilter(t, "nats")
	set(t, f, Rule{Kind: Confirm, Act: Delay, Share: 1, For: 100 * time.Millisecond})
	c := f.Wrap(tls.Client(here, &tls.Config{InsecureSkipVerify: true}))
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 1000)
	if _, err := c.Write(publish); err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]byte{other, confirm, other} {
		if i == 2 {
			if _, err := c.Write([]byte("PING\r\n")); err != nil {
				t.Fatal(err)
			}
		}
		n, err := c.Read(p)
		if err != nil || string(p[:n]) != string(want) {
			t.Fatalf("read %q: %v, want %q", p[:n], err, want)
		}
	}
}
