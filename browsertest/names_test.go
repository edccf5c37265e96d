package browsertest_test

import (
	"net/url"
	"strings"

	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

type request = transfer.Request

var pollEvent = poll.Event{Mode: poll.Poll}

// escape encodes a text for an address, a blank as %20.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
