package poll

import (
	"context"
	"errors"
	"iter"
	"time"

	"contactsync/shared/contact"
)

// Source is what a run needs of Business Central besides [transfer.Source].
type Source interface {
	// Schema finds out, once for the life of the process, what the published
	// service offers. It is an [*transfer.Error] that stops the run when the
	// service is not published or lacks a property that the mapping reads; the
	// error names all of them.
	Schema(ctx context.Context) (Schema, error)
	// Changed yields the contacts of a window, page by page as they arrive, and
	// after each page an Item that ends it. It ends after the last page or with
	// an error. A stored link that Business Central refuses is [ErrNextRefused],
	// a link that was followed before [ErrNextRepeated].
	Changed(ctx context.Context, w Window) iter.Seq2[Item, error]
	// Contact returns the present version of one contact; see [transfer.Source].
	Contact(ctx context.Context, ref contact.Ref) (contact.Contact, error)
}

// Schema is what the published contact service offers.
type Schema struct {
	Strategy     Strategy
	TimeProperty string // wire name of the time of change; "" for FullScan
	InternalID   bool   // whether contacts carry their internal id
	Note         string // one sentence for the run and the preflight: which time is used and why
}

// Strategy says how changed contacts are found (design.md part 3, Which time).
type Strategy string

// The strategies, in the order of preference.
const (
	ByModifiedTime Strategy = "modified-time" // the service has SystemModifiedAt or LastModifiedDateTime
	ByStandardAPI  Strategy = "standard-api"  // API v2.0 says what changed, the service is read by number
	FullScan       Strategy = "full-scan"     // everything is read, fingerprints tell what changed
)

// A Window says which contacts to read: those whose time of change is at or after
// From and before To, ordered by that time and the number. A zero From sends no
// filter, so that never-changed rows (0001-01-01) come too. A full scan is ordered
// by number and goes on after AfterNo.
type Window struct {
	From, To time.Time
	Next     string // an earlier Item's Next: go on there
	AfterNo  string
}

// An Item is a contact, or the end of a page.
type Item struct {
	Contact *contact.Contact // nil at the end of a page
	Next    string           // at the end of a page: where the next one begins; "" after the last
}

// ErrNextRefused tells that Business Central does not accept a stored link any
// more: the window begins again.
var ErrNextRefused = errors.New("the stored next link is refused")

// ErrNextRepeated says that a page's link was followed before. A link names the
// row that its page ended with: one that is edited and ends a later page too makes
// the link come again, and so does a server that goes round in circles.
var ErrNextRepeated = errors.New("the next link was followed before")
