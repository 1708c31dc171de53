// Serve gives a folder to tests and demos over HTTP, on the loopback interface
// only.
//
//	serve [--listen ADDR] [--rate BYTES] DIR
//	serve [--listen ADDR] [--rate BYTES] DIR -- COMMAND [ARG…]
//
// It is an origin server and a proxy at once: the file DIR/X is had both as
// /X and, through the proxy, as http://packages.offline.test/X. A build that
// is given the proxy as a build argument can so name its repository by a host
// that never changes, and its cache does not depend on the port.
//
// In its first form it prints its address, and serves until it is told to
// end. In the second form it serves as long as COMMAND runs, which finds the
// address in BKT_OFFLINE_PROXY, and ends with the status of COMMAND.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

// addressVariable is where a command finds the address of the server.
const addressVariable = "BKT_OFFLINE_PROXY"

// options are the flags of the command line.
type options struct {
	listen  string
	rate    int
	dir     string
	command []string
}

func main() {
	opts, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil {
		fail(2, err)
	}
	status, err := run(opts)
	if err != nil {
		fail(1, err)
	}
	os.Exit(status)
}

// fail ends the program with err.
func fail(status int, err error) {
	fmt.Fprintf(os.Stderr, "serve: error: %v\n", err)
	os.Exit(status)
}

// parse reads the command line.
func parse(args []string) (options, error) {
	var opts options
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.StringVar(&opts.listen, "listen", "127.0.0.1:0", "the `address` to serve on; port 0 is any that is free")
	flags.IntVar(&opts.rate, "rate", 0, "the most `bytes` a second, over all connections; 0 is no limit")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	rest := flags.Args()
	if len(rest) == 0 || len(rest) == 2 || len(rest) > 2 && rest[1] != "--" {
		return options{}, errors.New("usage: serve [--listen ADDR] [--rate BYTES] DIR [-- COMMAND ARG…]")
	}
	opts.dir = rest[0]
	if len(rest) > 2 {
		opts.command = rest[2:]
	}
	return opts, nil
}

// run serves until its work is done and returns the status to end with.
func run(opts options) (int, error) {
	if info, err := os.Stat(opts.dir); err != nil {
		return 0, err
	} else if !info.IsDir() {
		return 0, fmt.Errorf("%s is not a folder", opts.dir)
	}
	listener, err := net.Listen("tcp", opts.listen)
	if err != nil {
		return 0, err
	}
	address := "http://" + listener.Addr().String()
	server := &http.Server{Handler: handler(opts.dir)}
	go server.Serve(throttle(listener, opts.rate))
	defer server.Close()

	if opts.command != nil {
		return runCommand(opts.command, address)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Println(address)
	<-ctx.Done()
	return 0, nil
}
