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

// errSomeFailed ends a verb that did its work although some transfers failed, some
// checks or cases did not pass, or both sides differ.
var errSomeFailed = errors.New("some transfers failed")

type cli struct {
	EnvFile string `help:"Work on a deployed stack: a file of NAME=value lines with the variables of the functions." placeholder:"FILE" type:"existingfile"`
	Folder  string `help:"Folder of the sandbox." default:".sandbox" placeholder:"DIR"`
	Output  string `help:"How to print results: table or json." enum:"table,json" default:"table" short:"o"`
	Verbose bool   `help:"Print the log to standard error." short:"v"`

	Errors    errorsVerb    `cmd:"" group:"look" help:"Group what did not arrive by cause, with what to do."`
	Show      showVerb      `cmd:"" group:"look" help:"Tell one contact's story: every attempt, why it failed, what to do."`
	Transfers transfersVerb `cmd:"" group:"look" help:"List transfers, newest first."`
	Runs      runsVerb      `cmd:"" group:"look" help:"List runs, newest first."`
	Reconcile reconcileVerb `cmd:"" group:"look" help:"Read both sides and list what is missing, differs or is orphaned; write nothing."`

	Preview  previewVerb  `cmd:"" group:"transfer" help:"Say what a transfer would send and change; write nothing."`
	Sync     syncVerb     `cmd:"" group:"transfer" help:"Transfer contacts by number or internal id now."`
	Replay   replayVerb   `cmd:"" group:"transfer" help:"Transfer what failed once more."`
	Poll     pollVerb     `cmd:"" group:"transfer" help:"Transfer what waits, what is due again and what changed."`
	Backfill backfillVerb `cmd:"" group:"transfer" help:"Transfer the contacts that changed in a window of time."`

	Pause  pauseVerb  `cmd:"" group:"control" help:"Pause transfers; accepted work waits."`
	Resume resumeVerb `cmd:"" group:"control" help:"Resume transfers."`
	Forget forgetVerb `cmd:"" group:"control" help:"Erase what is stored here of a contact."`

	Sandbox       sandboxVerb       `cmd:"" group:"setup" help:"Show the whole job on Microsoft's demo company, or serve it to try things out."`
	Preflight     preflightVerb     `cmd:"" group:"setup" help:"Check the prerequisites of both systems."`
	Mapping       mappingVerb       `cmd:"" group:"setup" help:"Explain or test the mapping."`
	Subscriptions subscriptionsVerb `cmd:"" group:"setup" help:"List Business Central's subscriptions and say which one is ours."`
	Completion    completionVerb    `cmd:"" group:"setup" help:"Print a script that completes verbs and flags in your shell."`

	Complete completeVerb `cmd:"" hidden:"" help:"List what can stand at the end of a command line."`
}

const description = `Business Central contacts become iPaaS.com customers.

A contact did not arrive? "contactsync errors" says what failed and what to do, "contactsync show 44552" tells one contact's story.

Without --env-file every verb works on the sandbox in the folder .sandbox, running or not, unless the environment names a stack (TABLE_NAME or SECRET_ID).

Exit status: 0 all well; 1 some transfers failed, a check or case did not pass, or both sides differ; 2 it could not be done.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run is the command as a function of its arguments and environment.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	return execute(args, stdout, stderr, func(c *cli, model *kong.Application) *session {
		return &session{
			ctx: ctx, cli: c, model: model, args: args, environ: environ, in: person(os.Stdin),
			out: stdout, err: stderr, screen: screenOf(stdout, environ),
		}
	})
}

// runIn is run inside a sandbox that is open already, on behalf of somebody at the
// given screen. asks receives the question that the verb wants answered before it
// does anything.
func runIn(ctx context.Context, box *sandbox, args []string, at screen, stdout, stderr io.Writer, asks *string) int {
	return execute(args, stdout, stderr, func(c *cli, model *kong.Application) *session {
		return &session{ctx: ctx, cli: c, model: model, out: stdout, err: stderr, screen: at, box: box, asks: asks}
	})
}

func execute(args []string, stdout, stderr io.Writer, open func(*cli, *kong.Application) *session) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("contactsync"),
		kong.Description(description),
		kong.Writers(stdout, stderr),
		kong.Exit(func(status int) { exited = status }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: false}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "look", Title: "Look:"},
			{Key: "transfer", Title: "Transfer:"},
			{Key: "control", Title: "Control:"},
			{Key: "setup", Title: "Set up and try out:"},
		}),
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
	switch err = parsed.Run(open(&c, parser.Model)); {
	case err == nil:
		return exitWell
	case errors.Is(err, errSomeFailed):
		return exitSomeFailed
	}
	if elsewhere, ok := errors.AsType[*ranElsewhere](err); ok {
		return elsewhere.status
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(stderr, "contactsync:", strings.Map(sign, strings.TrimSpace(err.Error())))
	return exitCouldNot
}
