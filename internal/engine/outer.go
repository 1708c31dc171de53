package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"bkt/internal/engine/contract"
	"bkt/internal/engine/machine"
	"bkt/internal/hint"

	"github.com/google/renameio/v2"
)

// innerName is the name of the inner process.
const innerName = "bkt-engine: inside"

// The files that the inner process inherits, by number.
const (
	fdLifeline = 3 + iota
	fdReport
	fdLock
	fdSocket
)

// The bytes that the inner process reads from the lifeline.
const (
	mapped = 'm' // its users are set: it must restart, as root
	begin  = 'b' // its settings follow as a line of JSON
)

// settings are the inner process's.
type settings struct {
	Config   Config
	Runtime  string
	Rootless bool
	UID      int // of the user, outside the engine's namespaces
}

// files are the open files that the outer process passes to the inner one.
type files struct {
	lock, log *os.File
	socket    *socket
}

// inner is the inner process, as the outer one knows it.
type inner struct {
	cmd      *exec.Cmd
	lifeline *os.File // to write to; its closing ends the inner process
	report   *os.File // to read from
}

// supervise starts the inner process, calls up when it serves, and returns when
// it has ended.
func supervise(c Config, p machine.Prepared, f files, up func()) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	temp, err := makeTemp(c.Root)
	if err != nil {
		return err
	}
	in, err := start(f, temp)
	if err != nil {
		return err
	}
	defer in.lifeline.Close()
	defer in.report.Close()
	if err := in.configure(c, p); err != nil {
		return in.abandon(err)
	}
	if err := writeState(c, in.cmd.Process.Pid); err != nil {
		return in.abandon(err)
	}
	defer os.Remove(contract.StateFile(c.Root))
	go in.forward(signals)
	if err := contract.AwaitReport(in.report); err != nil {
		return in.abandon(explain(err, c.Root))
	}
	up()
	if err := in.cmd.Wait(); err != nil {
		return hint.Add(fmt.Errorf("the engine ended: %w", err), "see %s", contract.LogFile(c.Root))
	}
	return nil
}

// makeTemp creates the folder for temporary files, and removes one that a
// killed engine has left. The TMPDIR of the user who starts the engine may be
// removed before a later build.
func makeTemp(root string) (string, error) {
	dir := filepath.Join(root, "tmp")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.Mkdir(dir, 0o700)
}

// start starts the inner process in its namespaces, where it waits for its
// settings. temp is the folder for its temporary files; packages read TMPDIR
// before main.
func start(f files, temp string) (*inner, error) {
	defer f.socket.file.Close()
	life, lifeline, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer life.Close()
	report, reporter, err := os.Pipe()
	if err != nil {
		lifeline.Close()
		return nil, err
	}
	defer reporter.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args[0] = innerName
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	cmd.Stdout, cmd.Stderr = f.log, f.log
	cmd.ExtraFiles = []*os.File{life, reporter, f.lock, f.socket.file}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: machine.Namespaces()}
	if err := cmd.Start(); err != nil {
		lifeline.Close()
		report.Close()
		return nil, machine.Unfit(machine.ExplainNamespaces(err))
	}
	return &inner{cmd, lifeline, report}, nil
}

// configure sends the inner process its users, if it needs any, and its settings.
func (in *inner) configure(c Config, p machine.Prepared) error {
	s := settings{Config: c, Runtime: p.Runtime, Rootless: os.Geteuid() != 0, UID: os.Geteuid()}
	if s.Rootless {
		if err := p.MapUsers(in.cmd.Process.Pid); err != nil {
			return machine.Unfit(err)
		}
		if _, err := in.lifeline.Write([]byte{mapped}); err != nil {
			return err
		}
	}
	if _, err := in.lifeline.Write([]byte{begin}); err != nil {
		return err
	}
	return json.NewEncoder(in.lifeline).Encode(s)
}

// abandon ends the inner process because of err.
func (in *inner) abandon(err error) error {
	in.lifeline.Close()
	_ = in.cmd.Wait()
	return err
}

// explain replaces the error of an inner process that ended without a report.
func explain(err error, root string) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return hint.Add(errors.New("the engine ended while it was starting"), "see %s", contract.LogFile(root))
	}
	return err
}

func (in *inner) forward(signals <-chan os.Signal) {
	for s := range signals {
		_ = in.cmd.Process.Signal(s)
	}
}

func writeState(c Config, inner int) error {
	data, err := json.MarshalIndent(contract.State{
		PID:     os.Getpid(),
		Inner:   inner,
		Started: time.Now().Round(time.Second),
		Version: c.Version,
		Socket:  c.Socket,
	}, "", "  ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(contract.StateFile(c.Root), append(data, '\n'), 0o600)
}
