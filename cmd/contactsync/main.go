// Command contactsync is the operator's command: it transfers, previews and
// explains, against the sandbox (two simulators and an embedded store in the folder
// .sandbox) or against a deployed stack.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit statuses (design.md 1.10).
const (
	exitWell       = 0
	exitSomeFailed = 1
	exitCouldNot   = 2
)

// errSomeFailed ends a verb that did its work although some transfers failed.
var errSomeFailed = errors.New("some transfers failed")

type cli struct {
	EnvFile string `help:"Work on a deployed stack: a file of NAME=value lines with the variables of the functions." placeholder:"FILE" type:"existingfile"`
	Folder  string `help:"Folder of the sandbox." default:".sandbox" placeholder:"DIR"`
	Output  string `help:"How to print results." enum:"table,json" default:"table" short:"o"`
	Verbose bool   `help:"Print the log to standard error." short:"v"`

	Sandbox   sandboxVerb   `cmd:"" help:"Start both simulators and an embedded store, and show the whole job on Microsoft's demo company."`
	Poll      pollVerb      `cmd:"" help:"Transfer what waits, what is due again and what changed."`
	Backfill  backfillVerb  `cmd:"" help:"Transfer the contacts that changed in a window of time."`
	Sync      syncVerb      `cmd:"" help:"Transfer contacts by number or internal id now."`
	Preview   previewVerb   `cmd:"" help:"Say what a transfer would send and change; write nothing."`
	Transfers transfersVerb `cmd:"" help:"List transfers, newest first."`
	Show      showVerb      `cmd:"" help:"Tell one contact's story: every attempt, why it failed, what to do."`
	Errors    errorsVerb    `cmd:"" help:"Group what failed by cause, with what to do."`
	Replay    replayVerb    `cmd:"" help:"Transfer failed contacts once more."`
	Runs      runsVerb      `cmd:"" help:"List runs, newest first."`
	Preflight preflightVerb `cmd:"" help:"Check the prerequisites of both systems."`
	Mapping   mappingVerb   `cmd:"" help:"Explain or test the mapping."`

	Subscriptions subscriptionsVerb `cmd:"" help:"List Business Central's subscriptions and say which one is ours."`

	Pause  pauseVerb  `cmd:"" help:"Pause transfers; accepted work waits."`
	Resume resumeVerb `cmd:"" help:"Resume transfers."`
	Forget forgetVerb `cmd:"" help:"Erase our rows of a contact."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run is the command as a function of its arguments and environment.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	return execute(args, stdout, stderr, func(c *cli) *session {
		return &session{ctx: ctx, cli: c, args: args, environ: environ, in: os.Stdin, out: stdout, err: stderr}
	})
}

// runIn is run inside a sandbox that is open already. asks receives the question
// that the verb wants answered before it does anything.
func runIn(ctx context.Context, box *sandbox, args []string, stdout, stderr io.Writer, asks *string) int {
	return execute(args, stdout, stderr, func(c *cli) *session {
		return &session{ctx: ctx, cli: c, in: strings.NewReader(""), out: stdout, err: stderr, box: box, asks: asks}
	})
}

func execute(args []string, stdout, stderr io.Writer, open func(*cli) *session) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("contactsync"),
		kong.Description("Business Central contacts become iPaaS.com customers.\n\nWithout --env-file every verb works on the sandbox."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(status int) { exited = status }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "contactsync:", err)
		return exitCouldNot
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited // help was asked for
	}
	if err != nil {
		fmt.Fprintf(stderr, "contactsync: %v\n\nTry: contactsync --help\n", err)
		return exitCouldNot
	}
	switch err = parsed.Run(open(&c)); {
	case err == nil:
		return exitWell
	case errors.Is(err, errSomeFailed):
		return exitSomeFailed
	}
	var elsewhere *ranElsewhere
	if errors.As(err, &elsewhere) {
		return elsewhere.status
	}
	fmt.Fprintln(stderr, "contactsync:", strings.TrimSpace(err.Error()))
	return exitCouldNot
}
