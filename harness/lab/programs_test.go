package lab_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"waybill/harness/lab"
	"waybill/harness/reexec"
)

// Programs that tests start on hosts.
func init() {
	reexec.Register("t-sleep", func([]string) int { time.Sleep(time.Hour); return 0 })
	reexec.Register("t-daemon", daemon)
	reexec.Register("t-forker", forker)
	reexec.Register("t-sink", sink)
	reexec.Register("t-send", sendDatagrams)
	reexec.Register("t-pump", pump)
	reexec.Register("t-echo", echo)
	reexec.Register("t-exit", exit)
}

// detached starts a copy of this binary in a session of its own and does not wait for it.
func detached(args ...string) error {
	c := reexec.Command(args[0], args[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return c.Start()
}

// daemon detaches itself twice, as daemons do: "t-daemon 2 PROGRAM..." leaves an orphan running PROGRAM.
func daemon(args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return 1
	}
	next := args[1:]
	if n > 1 {
		next = append([]string{"t-daemon", strconv.Itoa(n - 1)}, args[1:]...)
	}
	if err := detached(next...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// forker starts short-lived processes as fast as it can and prints a dot for each.
func forker([]string) int {
	for {
		if err := reexec.Command("t-exit", "0").Run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Print(".")
	}
}

// exit ends with a code, or by a signal, after writing so many bytes to standard error.
func exit(args []string) int {
	if len(args) > 1 {
		n, _ := strconv.Atoi(args[1])
		for i := range n {
			fmt.Fprintf(os.Stderr, "%d\n", i)
		}
	}
	if args[0] == "SIGKILL" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		time.Sleep(time.Hour)
	}
	code, _ := strconv.Atoi(args[0])
	return code
}

func echo([]string) int {
	_, _ = io.Copy(lab.Control(), lab.Control())
	return 0
}

// sink receives datagrams on port 4000 and connections on 4001. It says "ready", and answers every line on the control
// socket with the number of datagrams by source address.
func sink([]string) int {
	var mu sync.Mutex
	counts := map[string]int{}
	datagrams, err := net.ListenPacket("udp4", ":4000")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	listener, err := net.Listen("tcp4", ":4001")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		buffer := make([]byte, 2000)
		for {
			_, from, err := datagrams.ReadFrom(buffer)
			if err != nil {
				return
			}
			mu.Lock()
			counts[from.(*net.UDPAddr).IP.String()]++
			mu.Unlock()
		}
	}()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if n, _ := io.Copy(io.Discard, c); n > 0 {
					_, _ = c.Write([]byte{1})
				}
			}()
		}
	}()
	fmt.Fprintln(lab.Control(), `"ready"`)
	answers := json.NewEncoder(lab.Control())
	for lines := bufio.NewScanner(lab.Control()); lines.Scan(); {
		mu.Lock()
		_ = answers.Encode(counts)
		mu.Unlock()
	}
	return 0
}

// sendDatagrams sends args[1] datagrams to args[0]; it fails if the kernel reports any error.
func sendDatagrams(args []string) int {
	n, _ := strconv.Atoi(args[1])
	c, err := net.Dial("udp4", args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for range n {
		if _, err := c.Write(make([]byte, 100)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

// pump sends args[1] bytes to args[0] over TCP and prints the seconds until the other end had them all.
func pump(args []string) int {
	n, _ := strconv.Atoi(args[1])
	c, err := net.Dial("tcp4", args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	begin := time.Now()
	if _, err := c.Write(make([]byte, n)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_ = c.(*net.TCPConn).CloseWrite()
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(time.Since(begin).Seconds())
	return 0
}

// timeout is a context for programs, which have no test to end them.
func timeout() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	time.AfterFunc(31*time.Second, cancel)
	return ctx
}
