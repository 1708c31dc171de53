// Command init is the only program in the images of the tests.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
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
	case "fail": // with a status
		status, _ := strconv.Atoi(args[1])
		os.Exit(status)
	}
}
