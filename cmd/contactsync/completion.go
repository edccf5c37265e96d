package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"contactsync/shared/transfer"
)

type completionVerb struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help shows how each shell takes the script.
func (completionVerb) Help() string {
	return "The script asks the command itself, so it never falls behind.\n\n" + usage(
		"source <(contactsync completion bash)", "in ~/.bashrc",
		"source <(contactsync completion zsh)", "in ~/.zshrc",
		"contactsync completion fish | source", "in config.fish",
	)
}

// scripts hand the words of the line to the hidden verb complete: all before the
// cursor, the last one perhaps empty.
var scripts = map[string]string{
	"bash": `_contactsync() {
  local IFS=$'\n'
  COMPREPLY=($(contactsync complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _contactsync contactsync
`,
	"zsh": `_contactsync() {
  local -a found
  local line
  for line in "${(@f)$(contactsync complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  (( ${#found} )) && _describe contactsync found || _files
}
compdef _contactsync contactsync
`,
	"fish": `complete -c contactsync -f -a '(contactsync complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
complete -c contactsync -n '__fish_contains_opt env-file; or __fish_seen_subcommand_from mapping' -F
`,
}

func (v *completionVerb) Run(s *session) error {
	return s.print(map[string]string{"shell": v.Shell, "script": scripts[v.Shell]}, func(w io.Writer) { fmt.Fprint(w, scripts[v.Shell]) })
}

type completeVerb struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints a word and what it means on each line.
func (v *completeVerb) Run(s *session) error {
	words := v.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, c := range complete(s.model, words) {
		if _, err := fmt.Fprintf(s.out, "%s\t%s\n", c.word, c.meaning); err != nil {
			return err
		}
	}
	return nil
}

// A candidate is a word that can stand at the end of the line.
type candidate struct{ word, meaning string }

// complete lists what can stand in place of the last word. No candidates mean that
// the shell offers files.
func complete(model *kong.Application, words []string) []candidate {
	if len(words) == 0 {
		words = []string{""}
	}
	node, last := model.Node, words[len(words)-1]
	var waiting *kong.Flag // a flag whose value comes next
	for _, word := range words[:len(words)-1] {
		switch {
		case waiting != nil:
			waiting = nil
		case strings.HasPrefix(word, "-"):
			waiting = flagOf(node, word)
		default:
			if child := childOf(node, word); child != nil {
				node = child
			}
		}
	}
	var all []candidate
	switch {
	case waiting != nil:
		all = valuesOf(waiting.Value)
	case strings.HasPrefix(last, "-"):
		for _, f := range visibleFlags(node) {
			all = append(all, candidate{"--" + f.Name, f.Help})
		}
	default:
		for _, child := range node.Children {
			if !child.Hidden {
				all = append(all, candidate{child.Name, child.Help})
			}
		}
		for _, positional := range node.Positional {
			all = append(all, valuesOf(positional)...)
		}
	}
	return slices.DeleteFunc(all, func(c candidate) bool { return !strings.HasPrefix(c.word, last) })
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// flagOf returns the flag of a word if its value is the next word.
func flagOf(node *kong.Node, word string) *kong.Flag {
	for _, f := range visibleFlags(node) {
		if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
			if f.IsBool() {
				return nil
			}
			return f
		}
	}
	return nil
}

func visibleFlags(node *kong.Node) []*kong.Flag {
	var flags []*kong.Flag
	for _, group := range node.AllFlags(true) {
		flags = append(flags, group...)
	}
	return flags
}

// valuesOf lists the values of a closed set: those that the parser checks, and the
// codes of the catalogue.
func valuesOf(v *kong.Value) []candidate {
	var all []candidate
	if v.Name == "code" {
		for _, f := range transfer.Catalogue() {
			all = append(all, candidate{f.Code, f.Title})
		}
		return all
	}
	for _, value := range v.EnumSlice() {
		if value != "" {
			all = append(all, candidate{value, ""})
		}
	}
	return all
}
