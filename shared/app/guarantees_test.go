package app_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/config"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/poll"
	"contactsync/shared/transfer"
)

// Guarantee 2: nothing doubled.

func TestACreateWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Effect: ipaastest.LostAnswer()})
	w.Poll()
	if n := w.Target.CountCustomers(); n != 1 {
		t.Fatalf("%d customers, want 1", n)
	}
	if s := w.State("1"); s.Status != transfer.Succeeded || s.Action != transfer.Created {
		t.Errorf("got %+v, want created: the look-up finds our own", s.Attempt)
	}
}

func TestATableThatWasLostFindsItsCustomersByExternalID(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	w.NewStore()
	if run := w.Poll(); run.Counts.Updated != 1 || w.Target.CountCustomers() != 1 {
		t.Errorf("got %+v and %d customers, want one updated", run.Counts, w.Target.CountCustomers())
	}
}

func TestAContactThatGetsAnotherNumberKeepsItsCustomer(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("A", "a@example.com"))
	w.Poll()
	before, _ := w.Target.CustomerByExternalID("A|contact")
	w.Clock.Advance(time.Minute)
	if err := w.Source.RenameContact("A", "B"); err != nil {
		t.Fatal(err)
	}
	w.Target.ResetRequests()
	if run := w.Poll(); run.Counts.Updated != 1 {
		t.Fatalf("got %+v, want updated\n%s", run.Counts, w.Log)
	}
	if n := calls(w); n != 2 {
		t.Errorf("%d calls, want 2: update and UpdateExternalId", n)
	}
	after, found := w.Target.CustomerByExternalID("B|contact")
	if !found || after.ID != before.ID || after.CustomerNumber != "B" || w.Target.CountCustomers() != 1 {
		t.Errorf("customer %+v, want %d with the number B", after, before.ID)
	}
	if got := after.Addresses[0].ExternalID(w.Target.SystemID()); got != "A|contact|address" {
		t.Errorf("the address has the external id %s, want its first one", got)
	}
}

func TestTwoContactsThatSwapNumbersKeepTheirCustomers(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("A", "a@example.com"), apptest.Person("B", "b@example.com"))
	w.Poll()
	wasA, _ := w.Target.CustomerByExternalID("A|contact")
	wasB, _ := w.Target.CustomerByExternalID("B|contact")
	w.Clock.Advance(time.Minute)
	if err := w.Source.SwapNumbers("A", "B"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.Poll()
	}
	isA, foundA := w.Target.CustomerByExternalID("A|contact")
	isB, foundB := w.Target.CustomerByExternalID("B|contact")
	if !foundA || !foundB || isA.ID != wasB.ID || isB.ID != wasA.ID || isA.CustomerNumber != "A" || isA.EmailAddress != "b@example.com" {
		t.Errorf("A is %d (%s), B is %d; want %d and %d\n%s", isA.ID, isA.EmailAddress, isB.ID, wasB.ID, wasA.ID, w.Log)
	}
	if n := w.Target.CountCustomers(); n != 2 {
		t.Errorf("%d customers, want 2", n)
	}
}

func TestANumberThatWentToANewContactBelongsToTheNewOne(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("A", "old@example.com"))
	w.Poll()
	old, _ := w.Target.CustomerByExternalID("A|contact")
	w.Clock.Advance(time.Minute)
	if err := w.Source.RenameContact("A", "Z"); err != nil {
		t.Fatal(err)
	}
	w.Add(apptest.Person("A", "new@example.com"))
	if got := w.Sync("A"); got.Action != transfer.Created { // the new one first
		t.Fatalf("got %+v, want created\n%s", got, w.Log)
	}
	w.Poll()
	isZ, _ := w.Target.CustomerByExternalID("Z|contact")
	isA, _ := w.Target.CustomerByExternalID("A|contact")
	if isZ.ID != old.ID || isA.ID == old.ID || isA.EmailAddress != "new@example.com" || isZ.EmailAddress != "old@example.com" {
		t.Errorf("Z is %d %s, A is %d %s; the old customer is %d", isZ.ID, isZ.EmailAddress, isA.ID, isA.EmailAddress, old.ID)
	}
}

func TestAContactThatWasDeletedAndMadeAnewGoesOnWithItsCustomer(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("A", "a@example.com"))
	w.Poll()
	if err := w.Source.DeleteContact("A"); err != nil {
		t.Fatal(err)
	}
	w.Add(apptest.Person("A", "a@example.com"))
	if run := w.Poll(); run.Counts.Updated != 1 || w.Target.CountCustomers() != 1 {
		t.Errorf("got %+v and %d customers, want the same one updated\n%s", run.Counts, w.Target.CountCustomers(), w.Log)
	}
}

// Guarantee 3: one cause that fails everything stops the run and spends nothing.

func TestRejectedCredentialsStopTheRunAndSpendNothing(t *testing.T) {
	w := apptest.New(t)
	for _, no := range []string{"1", "2", "3"} {
		w.Add(apptest.Person(no, no+"@example.com"))
	}
	key := w.Target.APIKey()
	w.Target.RevokeKey(key)
	run, err := w.App.Run(t.Context(), poll.Event{Mode: poll.Poll})
	if !errors.Is(err, transfer.DestinationUnauthorized) || run.Complete || !run.Watermark.IsZero() || run.Counts.Failed+run.Counts.Retrying > 0 {
		t.Fatalf("got %+v, %v; want DESTINATION_UNAUTHORIZED, no watermark, nothing failed", run, err)
	}
	got := mustTry(t, w, "1")
	if got.Status != transfer.Retrying || got.Number != 0 || got.NextAttemptAt.Sub(got.FinishedAt) != 10*time.Minute {
		t.Errorf("manual sync: %+v, want retrying, attempt 0, one unit later", got.Attempt)
	}
	w.Target.SetKey(ipaastest.APIKey{Value: key})
	w.Clock.Advance(11 * time.Minute)
	if run := w.Poll(); run.Counts.Created != 3 || !run.Complete {
		t.Errorf("afterwards %+v, want three created", run.Counts)
	}
}

// mustTry does what the manual sync does with a cause that stops every transfer.
func mustTry(t *testing.T, w *apptest.World, id string) transfer.Transfer {
	t.Helper()
	_, err := w.TrySync(id, transfer.ByManual)
	if !transfer.StopsRun(err) {
		t.Fatalf("got %v, want an error that stops every transfer", err)
	}
	runner, _ := w.App.Runner()
	got, err := runner.Postpone(t.Context(), transfer.Job{Ref: refOf(t, id), Trigger: transfer.ByManual}, err)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAServiceThatIsNotPublishedStopsTheRun(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Source.Unpublish("Contact_Card")
	_, err := w.App.Run(t.Context(), poll.Event{Mode: poll.Poll})
	if !errors.Is(err, transfer.SourceUnavailable) || !transfer.StopsRun(err) || !strings.Contains(transfer.DetailOf(err), "Contact_Card") {
		t.Errorf("got %v, want SOURCE_UNAVAILABLE that names Contact_Card", err)
	}
}

func TestOneBadRecordDoesNotStopTheOthers(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"), apptest.Person("2", "nobody"), apptest.Person("3", "three@example.com"))
	if run := w.Poll(); run.Counts.Created != 2 || run.Counts.Failed != 1 || !run.Complete {
		t.Errorf("got %+v, want two created and one failed", run.Counts)
	}
}

// Guarantee 9: changes behind our back.

func TestACustomerThatIsGoneIsCreatedAgain(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	c, _ := w.Target.CustomerByExternalID("1|contact")
	w.Target.Delete(c.ID)
	w.Edit("1", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	if run := w.Poll(); run.Counts.Created != 1 || w.Target.CountCustomers() != 1 {
		t.Errorf("got %+v and %d customers, want one created again\n%s", run.Counts, w.Target.CountCustomers(), w.Log)
	}
}

func TestAnInactiveCustomerIsLeftAlone(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	c, _ := w.Target.CustomerByExternalID("1|contact")
	w.Target.Deactivate(c.ID)
	w.Edit("1", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	if run := w.Poll(); run.Counts.Failed != 1 {
		t.Errorf("got %+v, want failed", run.Counts)
	}
	if after, _ := w.Target.Customer(c.ID); !after.Inactive || after.Addresses[0].Fields.City != "Atlanta" || w.Target.CountCustomers() != 1 {
		t.Errorf("the customer was touched: %+v", after)
	}
}

func TestACustomerThatIsLinkedElsewhereIsADuplicate(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	c, _ := w.Target.CustomerByExternalID("1|contact")
	w.Target.Relink(c.ID, "999|contact")
	w.Edit("1", func(c *businesscentraltest.Contact) { c.City = "Boston" })
	w.Poll()
	if s := w.State("1"); s.Problem == nil || s.Problem.Code != transfer.DuplicateContact.Code {
		t.Errorf("got %+v, want DUPLICATE_CONTACT", s.Attempt)
	}
}

func TestAContactThatBecameACompanyIsSkippedAndItsCustomerUntouched(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	w.Edit("1", func(c *businesscentraltest.Contact) { c.Type = "Company" })
	w.Target.ResetRequests()
	if run := w.Poll(); run.Counts.Skipped != 1 || calls(w) != 0 {
		t.Errorf("got %+v with %d calls, want skipped without a call", run.Counts, calls(w))
	}
	if s := w.State("1"); s.CustomerID == "" || !strings.Contains(s.Reason, "Company") {
		t.Errorf("got %+v, want the reason and the customer kept", s)
	}
}

// Collision method and company policy.

func TestUpdateAndLinkTakesTheCustomerThatHasTheEmail(t *testing.T) {
	w := apptest.New(t, apptest.Options{Config: func(c *config.Config) { c.CollisionMethod = config.UpdateAndLink }})
	id := w.Target.AddCustomer(ipaastest.Customer{CustomerNumber: "W1", LastName: "X", EmailAddress: "ONE@example.com"})
	w.Add(apptest.Person("1", "one@example.com"))
	if run := w.Poll(); run.Counts.Linked != 1 {
		t.Fatalf("got %+v, want linked\n%s", run.Counts, w.Log)
	}
	if c, _ := w.Target.CustomerByExternalID("1|contact"); c.ID != id || c.CustomerNumber != "1" {
		t.Errorf("got %+v, want customer %d", c, id)
	}
}

func TestUpdateAndLinkDoesNotTakeACustomerOfAnotherContact(t *testing.T) {
	w := apptest.New(t, apptest.Options{Config: func(c *config.Config) { c.CollisionMethod = config.UpdateAndLink }})
	w.Add(apptest.Person("1", "same@example.com"), apptest.Person("2", "same@example.com"))
	run := w.Poll()
	if run.Counts.Created != 1 || run.Counts.Failed != 1 || w.Target.CountCustomers() != 1 {
		t.Errorf("got %+v, want one created and one DUPLICATE_CONTACT", run.Counts)
	}
}

func TestAMissingCompanyIsTriedAgainSlowly(t *testing.T) {
	w := apptest.New(t)
	p := apptest.Person("1", "one@example.com")
	p.CompanyNo = "C1"
	w.Add(businesscentraltest.Contact{No: "C1", Type: "Company", Name: "C"}, p)
	w.Poll()
	s := w.State("1")
	if s.Status != transfer.Retrying || s.Problem.Code != transfer.CompanyNotFound.Code || s.NextAttemptAt.Sub(s.FinishedAt) != 120*time.Minute ||
		!strings.Contains(s.Problem.Detail, "exists in Business Central") {
		t.Fatalf("got %+v %+v, want COMPANY_NOT_FOUND tried again after two hours", s.Attempt, s.Problem)
	}
	w.Target.AddCompany("C", "C1")
	w.Clock.Advance(121 * time.Minute)
	if run := w.Poll(); run.Counts.Created != 1 {
		t.Errorf("got %+v, want created once the company is there", run.Counts)
	}
}

func TestTransferWithoutCompanyIsAWarning(t *testing.T) {
	w := apptest.New(t, apptest.Options{Config: func(c *config.Config) { c.CompanyNotFound = config.TransferWithoutCompany }})
	p := apptest.Person("1", "one@example.com")
	p.CompanyNo, p.CompanyName = "C9", "C"
	w.Add(p)
	w.Poll()
	if s := w.State("1"); s.Action != transfer.Created || len(s.Warnings) != 1 {
		t.Errorf("got %+v, want created with a warning", s.Attempt)
	}
}

func TestAnUndefinedCustomFieldIsTriedAgainSlowly(t *testing.T) {
	w := apptest.New(t)
	w.Target.DeleteCustomField("Role")
	w.Add(apptest.Person("1", "one@example.com"))
	w.Poll()
	if s := w.State("1"); s.Problem == nil || s.Problem.Code != transfer.CustomFieldNotFound.Code || !strings.Contains(s.Problem.Detail, "Role") || s.Status != transfer.Retrying {
		t.Errorf("got %+v %+v, want CUSTOM_FIELD_NOT_FOUND that names Role", s.Attempt, s.Problem)
	}
}

func TestAnIDThatNamesNoContact(t *testing.T) {
	w := apptest.New(t)
	if err := w.Source.AddCustomers(businesscentraltest.Customer{No: "10000", Name: "Adatum Corporation"}); err != nil {
		t.Fatal(err)
	}
	for id, part := range map[string]string{"77777": "", "10000": "names a customer"} {
		got := w.Sync(id)
		if got.Problem == nil || got.Problem.Code != transfer.ContactNotFound.Code || !strings.Contains(got.Problem.Detail, part) {
			t.Errorf("%s: got %+v %+v, want CONTACT_NOT_FOUND with %q", id, got.Attempt, got.Problem, part)
		}
	}
	w.Add(apptest.Person("77777", "seven@example.com"))
	if run := w.Poll(); run.Counts.Created != 1 {
		t.Errorf("got %+v, want created once it is there", run.Counts)
	}
	if s := w.State("77777"); s.ContactID == "" || s.Status != transfer.Succeeded {
		t.Errorf("got %+v, want the outcome under the internal id too", s)
	}
}

// Guarantees 1 and 8.

func TestARequestDuringTheTransferIsTransferredAfterwards(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	done := false
	w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Effect: ipaastest.Effect{After: func(ipaastest.Request) {
		if done {
			return
		}
		done = true
		_ = w.Source.EditContact("1", func(c *businesscentraltest.Contact) { c.City = "Boston" })
		err := w.Store.Request(t.Context(), transfer.Request{Ref: refOf(t, "1"), Trigger: transfer.ByNotification, RequestedAt: w.Clock.Now(), Token: "t"})
		if err != nil {
			t.Error(err)
		}
	}}})
	w.Poll()
	if c, _ := w.Target.CustomerByExternalID("1|contact"); c.Addresses[0].Fields.City != "Boston" {
		t.Errorf("the customer lives in %s, want Boston", c.Addresses[0].Fields.City)
	}
}

func TestABackfillLeavesTheWatermarkUntouched(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"))
	first := w.Poll()
	w.Clock.Advance(time.Second)
	from := w.Clock.Now()
	w.Add(apptest.Person("2", "two@example.com"))
	run := w.Run(poll.Event{Mode: poll.Backfill, From: from})
	if run.Counts.Created != 1 || run.Counts.Read != 1 || !run.Watermark.Equal(first.Watermark) {
		t.Errorf("got %+v, watermark %s; want one created and the watermark %s", run.Counts, run.Watermark, first.Watermark)
	}
}

func TestADryRunWritesNothingAnywhere(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("1", "one@example.com"), apptest.Person("2", ""))
	run := w.Run(poll.Event{Mode: poll.Poll, DryRun: true})
	if run.Counts.Created != 1 || run.Counts.Failed != 1 {
		t.Errorf("got %+v, want one that would be created and one that would fail", run.Counts)
	}
	for _, r := range w.Target.Requests() {
		if r.Route == ipaastest.CustomerCreate || r.Route == ipaastest.CustomerUpdate || r.Route == ipaastest.LinkUpdate {
			t.Errorf("a dry run called %s", r.Route)
		}
	}
	if runs, _ := w.Store.Runs(t.Context(), 10); len(runs) != 0 {
		t.Errorf("a dry run is stored: %+v", runs)
	}
	if _, found, _ := w.Store.KeyOf(t.Context(), refOf(t, "1")); found {
		t.Error("a dry run stored a contact")
	}
}

func TestRowsThatWereNeverChangedAreReadByTheFirstPoll(t *testing.T) {
	w := apptest.New(t)
	p := apptest.Person("1", "one@example.com")
	p.NeverModified = true
	w.Add(p, apptest.Person("2", "two@example.com"))
	if run := w.Poll(); run.Counts.Created != 2 {
		t.Errorf("got %+v, want both created", run.Counts)
	}
}

func TestAThrottledSystemIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := apptest.New(t)
		w.Add(apptest.Person("1", "one@example.com"))
		w.Target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Effect: ipaastest.Throttled("1")})
		w.Source.Inject(businesscentraltest.Fault{Route: businesscentraltest.RouteContacts, Status: http.StatusServiceUnavailable, Body: "<html>busy</html>", ContentType: "text/html"})
		if run := w.Poll(); run.Counts.Created != 1 {
			t.Errorf("got %+v, want created", run.Counts)
		}
	})
}
