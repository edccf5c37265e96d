package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"contactsync/shared/poll"
	"contactsync/shared/status/dynamostore"
)

// ErrEvent is the cause of an error about an event that cannot be understood.
var ErrEvent = errors.New("the event cannot be understood")

// own are the members of our own events (design.md 1.4); foreign are those of
// events of EventBridge and its Scheduler, which start a poll.
var (
	own     = []string{"mode", "from", "to", "dry_run"}
	foreign = []string{"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
)

// parseEvent reads what started the poll function: one of our own events, any
// event of EventBridge or its Scheduler, or one of the table's stream. All that is
// wrong with it stands in one error, which is [ErrEvent].
func (a *App) parseEvent(raw json.RawMessage) (poll.Event, error) {
	text := bytes.TrimSpace(raw)
	if len(text) == 0 || string(text) == "null" {
		return poll.Event{Mode: poll.Poll}, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return poll.Event{}, fmt.Errorf("%w: expected a JSON object such as {} or {\"mode\":\"backfill\",\"from\":\"2024-01-01T00:00:00Z\"}", ErrEvent)
	}
	if _, found := members["Records"]; found {
		return a.parseStream(text)
	}
	e, problems := parseOwn(members)
	if len(problems) == 0 {
		if err := e.Check(); err != nil {
			problems = append(problems, err.Error())
		}
	}
	if len(problems) > 0 {
		return poll.Event{}, fmt.Errorf("%w: %s", ErrEvent, strings.Join(problems, "; "))
	}
	return e, nil
}

func parseOwn(members map[string]json.RawMessage) (poll.Event, []string) {
	e := poll.Event{Mode: poll.Poll}
	var problems []string
	isOwn := slices.ContainsFunc(own, func(name string) bool { _, found := members[name]; return found })
	_, hasSource := members["source"]
	_, hasType := members["detail-type"]
	isForeign := hasSource || hasType
	for name := range members {
		known := slices.Contains(own, name) || (!isOwn && (isForeign || slices.Contains(foreign, name)))
		if !known {
			problems = append(problems, fmt.Sprintf("member %q is unknown (known: %s)", name, strings.Join(own, ", ")))
		}
	}
	slices.Sort(problems)
	if raw, found := members["mode"]; found {
		if err := json.Unmarshal(raw, &e.Mode); err != nil {
			problems = append(problems, `mode is no text: "poll" or "backfill"`)
		} else if e.Mode == poll.Stream {
			problems = append(problems, `mode "stream" cannot be asked for: poll or backfill`)
		}
	}
	if raw, found := members["dry_run"]; found && json.Unmarshal(raw, &e.DryRun) != nil {
		problems = append(problems, "dry_run is neither true nor false")
	}
	var err error
	if e.From, err = parseTime(members["from"]); err != nil {
		problems = append(problems, "from "+err.Error())
	}
	if e.To, err = parseTime(members["to"]); err != nil {
		problems = append(problems, "to "+err.Error())
	}
	return e, problems
}

func parseTime(raw json.RawMessage) (time.Time, error) {
	var text *string
	if len(raw) > 0 && json.Unmarshal(raw, &text) != nil {
		return time.Time{}, errors.New("is no text of the form 2024-01-01T00:00:00Z")
	}
	if text == nil || *text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, *text)
	if err != nil {
		return time.Time{}, errors.New("is no time of the form 2024-01-01T00:00:00Z")
	}
	return at.UTC().Truncate(time.Millisecond), nil
}

// parseStream reads an event of the table's stream. Images that ask nothing of
// this connection are passed over; so is one that cannot be read, for the poll
// finds its item in the table.
func (a *App) parseStream(raw []byte) (poll.Event, error) {
	var event events.DynamoDBEvent
	if err := json.Unmarshal(raw, &event); err != nil {
		return poll.Event{}, fmt.Errorf("%w: it has Records, and they are not those of a DynamoDB stream", ErrEvent)
	}
	e := poll.Event{Mode: poll.Stream}
	for _, record := range event.Records {
		request, err := dynamostore.ParseRequestImage(a.Config.Connection, record.Change.NewImage)
		switch {
		case err == nil:
			e.Requests = append(e.Requests, request)
		case !errors.Is(err, dynamostore.ErrNotPending) && !errors.Is(err, dynamostore.ErrOtherConnection):
			a.log.Warn("an image of the table's stream cannot be read", "error", err)
		}
	}
	return e, nil
}
