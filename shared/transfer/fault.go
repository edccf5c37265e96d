package transfer

import (
	"errors"
	"fmt"
)

// A Fault is one row of the closed error catalogue (design.md 1.9). Codes are
// stored with transfers, so a code is never renamed and never reused.
type Fault struct {
	Code        string
	Title       string
	Description string // what happened, for a reader who does not know Go
	Resolution  string // what the operator can do now
	Retry       Retry  // Never (the zero value), Slow or Soon
	StopsRun    bool   // one cause that fails everything (design.md, guarantee 3)
}

// Retry says whether a failed transfer is tried again by itself.
type Retry int

// Never waits for a change or a replay; Soon follows the schedule of design.md
// 1.9; Slow waits six times as long.
const (
	Never Retry = iota
	Soon
	Slow
)

// Error lets a Fault be the target of [errors.Is].
func (f *Fault) Error() string { return f.Code + ": " + f.Title }

// An Error is one occurrence of a Fault: "contact 44552: save customer:
// DUPLICATE_CONTACT: ...".
type Error struct {
	Fault  *Fault
	Op     string // what was being done; numbers and ids only, no personal data
	Detail string // what the operator should know besides the fault's texts; stored and shown, so no personal data and no secret
	Stop   bool   // this occurrence stops the whole run although its fault does not always (web service not published)
	Err    error  // the cause; may be nil; goes to the log only, so no personal data either
}

// Error names the operation, the fault and its detail.
func (e *Error) Error() string {
	s := e.Fault.Error()
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}

// Unwrap makes both the fault and the cause reachable. It never yields a nil error.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Fault}
	}
	return []error{e.Fault, e.Err}
}

// Fail returns an [*Error] of the fault with a formatted detail.
func (f *Fault) Fail(op, format string, args ...any) *Error {
	return &Error{Fault: f, Op: op, Detail: fmt.Sprintf(format, args...)}
}

// FaultOf returns the fault of err, [Internal] for errors from elsewhere, and
// nil for a nil error.
func FaultOf(err error) *Fault {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fault
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return Internal
}

// DetailOf returns the detail of err that may be stored and shown; "" for
// errors from elsewhere, whose text belongs in the log.
func DetailOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Detail
	}
	return ""
}

// StopsRun reports whether err fails every contact alike, so that the run ends
// at once and leaves all records unspent (design.md, guarantee 3).
func StopsRun(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Stop || e.Fault.StopsRun
	}
	return false
}
