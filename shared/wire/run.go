package wire

import "contactsync/shared/status"

// A RunJSON is the summary of one run: the poll function's answer, its log line
// and a row of GET /runs (design.md 1.4).
type RunJSON struct {
	RunID      string     `json:"run_id"`
	Connection string     `json:"connection"`
	Mode       string     `json:"mode"`
	StartedAt  Time       `json:"started_at"`
	FinishedAt Time       `json:"finished_at"`
	Complete   bool       `json:"complete"`
	DryRun     bool       `json:"dry_run,omitempty"`
	Busy       bool       `json:"busy,omitempty"`
	Paused     bool       `json:"paused,omitempty"`
	Disabled   bool       `json:"disabled,omitempty"`
	Read       int        `json:"read"`
	Created    int        `json:"created"`
	Updated    int        `json:"updated"`
	Linked     int        `json:"linked"`
	Unchanged  int        `json:"unchanged"`
	Skipped    int        `json:"skipped"`
	Failed     int        `json:"failed"`
	Retrying   int        `json:"retrying"`
	Pending    int        `json:"pending"`
	Watermark  Time       `json:"watermark"`
	Error      *ErrorJSON `json:"error,omitempty"` // only of a run that could not work
	Notes      []string   `json:"notes,omitempty"` // only when there are any: the choice of timestamp, an advised backfill
}

// Run returns the JSON form of a run.
func Run(r status.Run) RunJSON {
	c := r.Counts
	return RunJSON{
		RunID: r.ID, Connection: r.Connection, Mode: r.Mode,
		StartedAt: Time{r.StartedAt}, FinishedAt: Time{r.FinishedAt},
		Complete: r.Complete, DryRun: r.DryRun, Busy: r.Busy, Paused: r.Paused, Disabled: r.Disabled,
		Read: c.Read, Created: c.Created, Updated: c.Updated, Linked: c.Linked, Unchanged: c.Unchanged,
		Skipped: c.Skipped, Failed: c.Failed, Retrying: c.Retrying, Pending: c.Pending,
		Watermark: Time{r.Watermark},
		Error:     Problem(r.Problem),
		Notes:     r.Notes,
	}
}

// An ErrorCountJSON is a row of GET /errors: one code, how often contacts stand
// with it, and what to do.
type ErrorCountJSON struct {
	Code        string   `json:"code"`
	Count       int      `json:"count"`
	First       Time     `json:"first"`
	Last        Time     `json:"last"`
	SampleIDs   []string `json:"sample_ids"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Resolution  string   `json:"resolution"`
}

// ErrorCount returns the JSON form of a count with the texts of its code.
func ErrorCount(c status.ErrorCount) ErrorCountJSON {
	texts := Error(c.Code, "")
	return ErrorCountJSON{
		Code: c.Code, Count: c.Count, First: Time{c.First}, Last: Time{c.Last}, SampleIDs: list(c.Samples),
		Title: texts.Title, Description: texts.Description, Resolution: texts.Resolution,
	}
}
