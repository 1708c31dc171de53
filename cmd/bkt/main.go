// Command bkt manages an image-based Linux workstation from a git repository of
// manifests.
//
// This package holds the command line: flags, printing and exit statuses. What
// a command does is in the packages that it calls.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"

	"bkt/internal/crash"
	"bkt/internal/interrupt"
	"bkt/internal/ownpath"
	"bkt/internal/patherr"
	"bkt/internal/printable"
	"bkt/internal/scaffold"
	"bkt/internal/ui"
	"bkt/internal/usage"
	"bkt/internal/version"
	"bkt/internal/workspace"

	"github.com/alecthomas/kong"
)

// cli is the command line; each command has a Run method.
type cli struct {
	Dir     string      `short:"C" name:"directory" placeholder:"DIR" help:"Run as if bkt was started in DIR."`
	JSON    bool        `name:"json" help:"Print results as JSON."`
	Quiet   bool        `short:"q" xor:"verbosity" help:"Print results and errors only."`
	Verbose bool        `short:"v" xor:"verbosity" help:"Print more details."`
	Color   string      `enum:"auto,always,never" default:"auto" placeholder:"WHEN" help:"Use colour: auto, always or never (default: auto)."`
	Version versionFlag `help:"Print the version."`

	AllowLinks []string `sep:"none" placeholder:"DIR" help:"Follow symbolic links of the repository into the folder DIR, too. Those that lead elsewhere outside are errors."`
}

// versionFlag prints the version. Unlike kong's, it returns an error if that fails.
type versionFlag bool

// BeforeReset implements kong's hook for flags that end the program. kong has not yet
// set the value of --json.
func (versionFlag) BeforeReset(parsed *kong.Context, a *app) error {
	for _, flag := range parsed.Flags() {
		if flag.Name == "json" {
			a.JSON, _ = parsed.FlagValue(flag).(bool)
		}
	}
	if err := a.printVersion(); err != nil {
		return err
	}
	parsed.Exit(0)
	return nil
}

// printVersion prints the version, the commit and its date.
func (a *app) printVersion() error { return version.Print(a.Out, "bkt", a.JSON) }

// A command is a command of bkt, or a group of commands.
type command struct {
	name, help string
	run        any // with a Run method, or with commands that have one
}

// commands returns all commands, in the order of the help.
func commands() []command {
	return []command{
		{"init", "Create a new image repository.", &initCmd{}},
		{"containerfile", "Render and check the managed sections of Containerfiles.", &containerfileCmd{}},
		{"system", "List and change the packages of the system image.", &systemCmd{}},
		{"toolbox", "List and change the packages of the toolbox image, and upgrade its container.", &toolboxCmd{}},
		{"build", "Build images with BuildKit.", &buildCmd{}},
		{"base", "Update base images.", &baseCmd{}},
		{"hook", "Lint and run init hooks of containers.", &hookCmd{}},
		{"test", "Build images and test them against the manifests.", &testCmd{}},
		{"push", "Push an image that is already built.", &pushCmd{}},
		{"capture", "Record the current system state in the manifests.", &captureCmd{}},
		{"apply", "Apply the manifests to this system.", &applyCmd{}},
		{"drift", "Show or resolve differences between this system and the manifests.", &driftCmd{}},
		{"status", "Show the status of the repository and this system.", &statusCmd{}},
		{"distrobox", "Export containers for other programs.", &distroboxCmd{}},
		{"auto-capture", "Capture and commit changes of this system automatically.", &autoCmd{}},
		{"merge-manifest", "Merge a manifest for git.", &mergeManifestCmd{}},
		{"schema", "Print the JSON Schema of a manifest, or have editors use them.", &schemaCmd{}},
		{"doctor", "Check this machine and repository for problems.", &doctorCmd{}},
		{"engine", "Manage bkt's own BuildKit engine.", &engineCmd{}},
		{"completion", "Print the shell completion script.", &completionCmd{}},
		{"help", "Show help for a command.", &helpCmd{}},
		{"version", "Print the version.", &versionCmd{}},
		{"complete", "", &completeCmd{}},
		{"man-pages", "", &manPagesCmd{}},
	}
}

func main() {
	sparseGC()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// sparseGC delays the first garbage collection until the heap has some 16 MB. A hook
// that runs at every commit finishes before that; collecting would take a good part of
// its time.
func sparseGC() { debug.SetGCPercent(400) }

// run parses args, runs the command, prints its error, and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	out, errs := printable.NewWriter(stdout), printable.NewWriter(stderr)
	defer out.Flush()
	defer errs.Flush()
	a := &app{Printer: ui.Printer{Out: out, Err: errs}, args: args, called: ownpath.Called(os.Args[0])}
	ctx, stop := interrupt.Notify(func() {
		a.resetTerminal()
		os.Exit(a.report(errInterrupted))
	})
	defer stop()
	err := a.run(ctx, args)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	status := a.report(err)
	if ctx.Err() != nil && status != 1 {
		status = a.report(errInterrupted) // it printed what it could
	}
	return status
}

var errInterrupted = errors.New("interrupted")

// exited is the panic by which kong ends the program with an exit status.
type exited int

func (e exited) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func (a *app) run(ctx context.Context, args []string) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exited:
			err = r
		default: // a bug in bkt
			err = crash.From(r)
		}
	}()
	command, c, err := a.parse(ctx, args)
	if err != nil {
		return usage.Explain(err)
	}
	a.configure(c)
	if c.Dir != "" {
		if err := os.Chdir(c.Dir); err != nil {
			return patherr.TrimOp(err)
		}
		if err := workspace.OnlyHere(); err != nil {
			return err
		}
	}
	a.links = allowedLinks(ctx, c.AllowLinks)
	return command.Run()
}

// parse parses the command line. Building kong's model of all commands takes longer
// than many commands run, so parse first tries the model of the one command that args
// seem to name. If that fails, it uses all.
func (a *app) parse(ctx context.Context, args []string) (*kong.Context, cli, error) {
	if few, ok := likely(args); ok {
		if command, c, err := a.parseAs(ctx, args, few...); err == nil {
			return command, c, nil
		}
	}
	command, c, err := a.parseAs(ctx, args, commands()...)
	if lacking, ok := usage.Incomplete(err); ok { // "bkt" and "bkt toolbox" ask for help, as in gh
		err = errors.Join(lacking.PrintUsage(false), exited(0))
	}
	return command, c, err
}

// likely returns the command that args name, unless they ask for help. --version needs
// no command.
func likely(args []string) ([]command, bool) {
	if slices.Contains(args, "--help") || slices.Contains(args, "-h") {
		return nil, false
	}
	for _, arg := range args {
		for _, c := range commands() {
			if c.name == arg {
				return []command{c}, true
			}
		}
	}
	other := func(arg string) bool { return arg != "--version" && arg != "--json" }
	return nil, slices.Contains(args, "--version") && !slices.ContainsFunc(args, other)
}

func (a *app) parseAs(ctx context.Context, args []string, among ...command) (*kong.Context, cli, error) {
	parser, c, err := a.parser(ctx, among...)
	if err != nil {
		return nil, cli{}, err
	}
	parsed, err := parser.Parse(args)
	return parsed, *c, err
}

// parser returns a parser of command lines with these commands, and the values that it
// sets.
func (a *app) parser(ctx context.Context, among ...command) (*kong.Kong, *cli, error) {
	var c cli
	options := []kong.Option{
		kong.Name("bkt"),
		kong.Description("Manage an image-based Linux workstation from a git repository of manifests."),
		kong.UsageOnError(),
		kong.Writers(a.Out, a.Err),
		kong.Vars{"defaultBase": scaffold.DefaultBase, "defaultToolboxBase": scaffold.DefaultToolboxBase},
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(a),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Help(usage.PrintHelp),
	}
	for _, one := range among {
		var tags []string
		if one.help == "" {
			tags = append(tags, `hidden:""`)
		}
		options = append(options, kong.DynamicCommand(one.name, one.help, "", one.run, tags...))
	}
	parser, err := kong.New(&c, options...)
	if err == nil {
		parser.Model.HelpFlag.Help = "Show help for this command."
	}
	return parser, &c, err
}
