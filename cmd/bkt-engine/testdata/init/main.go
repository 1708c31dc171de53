// Command init is the only program in the images of the tests.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	switch args := os.Args[1:]; args[0] {
	case "hang": // until it is killed
		fmt.Println("hanging")
		for { // Go's runtime sends signals to itself, and any ends a pause
			_ = syscall.Pause()
		}
	case "wait": // until SIGTERM
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		fmt.Println("waiting")
		<-signals
	case "write": // a text to a file
		if err := os.WriteFile(args[1], []byte(args[2]), 0o644); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case "list": // the entries of a folder
		entries, _ := os.ReadDir(args[1])
		for _, e := range entries {
			fmt.Println("entry", e.Name())
		}
	case "mode": // of a file
		if info, err := os.Stat(args[1]); err == nil {
			fmt.Println("mode", info.Mode())
		}
	case "reach": // addresses such as tcp:127.0.0.1:80
		reach(args[1:])
	case "fail": // with a status
		status, _ := strconv.Atoi(args[1])
		os.Exit(status)
	}
}

// reach prints which servers answer. The host "gateway" is that of the default route,
// "nameserver" the first in resolv.conf.
func reach(targets []string) {
	var all sync.WaitGroup
	for _, target := range targets {
		all.Go(func() {
			if err := ask(target); err != nil {
				fmt.Println("reach", target, "no:", err)
				return
			}
			fmt.Println("reach", target, "yes")
		})
	}
	all.Wait()
}

// ask sends a word to a server and waits for the answer.
func ask(target string) error {
	timeout := time.Minute
	if strings.Contains(target, "gateway") {
		timeout = 3 * time.Second // it does not exist, so it does not even refuse
	}
	network, address, _ := strings.Cut(target, ":")
	address = strings.Replace(address, "gateway", gateway(), 1)
	address = strings.Replace(address, "nameserver", field("/etc/resolv.conf", "nameserver"), 1)
	c, err := net.DialTimeout(network, address, timeout)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c, "ping"); err != nil {
		return err
	}
	_, err = bufio.NewReader(c).ReadString('\n')
	return err
}

// gateway returns the address of the default route, or one that does not exist.
func gateway() string {
	for line := range strings.Lines(read("/proc/net/route")) {
		f := strings.Fields(line)
		if len(f) > 2 && f[1] == "00000000" {
			ip, err := hex.DecodeString(f[2]) // in the byte order of the machine
			if err != nil {
				panic(err)
			}
			return fmt.Sprintf("%d.%d.%d.%d", ip[3], ip[2], ip[1], ip[0])
		}
	}
	return "192.0.2.0"
}

// field returns the word after key in a file.
func field(file, key string) string {
	for line := range strings.Lines(read(file)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == key {
			return f[1]
		}
	}
	return ""
}

// read returns the text of a file that every step has: without it, a server would only seem
// to be out of reach.
func read(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	return string(data)
}
