package browsertest_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/transfer"
)

// tabTo presses Tab until the focus is on an element for which the condition (over
// e) holds. Each element on the way must show that it has the focus.
func (d *desk) tabTo(what, condition string) {
	d.t.Helper()
	for range 80 {
		d.press(kb.Tab)
		if d.holds(`document.activeElement !== document.body && getComputedStyle(document.activeElement).outlineStyle === "none"`) {
			d.t.Fatalf("the focus cannot be seen on %s", d.text("document.activeElement.outerHTML"))
		}
		if d.holds(fmt.Sprintf("((e) => %s)(document.activeElement)", condition)) {
			return
		}
	}
	d.t.Fatalf("the Tab key does not lead to %s; the page shows:\n%s", what, d.seen())
}

func TestAFailedContactIsMendedByKeyboardOnly(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", ""), apptest.Person("44553", "ada@example.com"))
	w.Poll()
	d := sit(t, w)
	d.do("open the page", chromedp.Navigate(d.url+"/"))
	d.until("the key's field has the focus", `document.activeElement.id === "key"`)
	d.press(apptest.APIKey, kb.Enter)
	d.shows("#errors", "MISSING_EMAIL")

	d.do("go to the top", chromedp.Evaluate[chromedp.Void]("document.activeElement.blur(); scrollTo(0, 0)"))
	d.tabTo("the link that skips the header", `e.id === "skip"`)
	d.press(kb.Enter)
	d.until("the content has the focus", `document.activeElement.id === "main"`)
	d.tabTo("the contacts that failed", `e.matches("#state a[href*=failed]")`)
	d.press(kb.Enter)
	d.shows("#rows", "44552|contact")
	d.tabTo("the contact", `e.matches("#rows a")`)
	d.press(kb.Enter)
	d.shows("#story", "Ensure email is present")
	w.Edit("44552", func(c *businesscentraltest.Contact) { c.EMail = "grace@example.com" })
	d.tabTo("Replay", `e.id === "replay"`)
	d.press(kb.Enter)
	d.shows("#story", "It waits for its transfer.")
	w.Poll()
	d.shows("#story", "was created")

	d.do("go to the top", chromedp.Evaluate[chromedp.Void]("document.activeElement.blur(); scrollTo(0, 0)"))
	d.tabTo("Sync", `e.dataset.view === "sync"`)
	d.press(kb.Enter)
	d.shows("#sync", "Contacts, one in each line")
	d.tabTo("the ids", `e.id === "ids"`)
	d.press("44553")
	d.tabTo("Preview", `e.id === "preview"`)
	d.press(kb.Enter)
	d.shows("#outcome", "no change")
	d.tabTo("Transfer", `e.id === "send"`)
	d.press(kb.Enter)
	d.shows("#message", "1 of 1 contact succeeded.")
	d.until("the outcome has the focus", `document.activeElement.id === "outcome-heading"`)
}

func TestEveryViewTakesTheFocusToItsHeading(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", ""))
	w.Poll()
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#errors", "MISSING_EMAIL")
	for name, address := range map[string]string{"transfers": "#/transfers", "sync": "#/sync", "preflight": "#/preflight", "contact": "#/contact/44552", "overview": "#/"} {
		d.view(address)
		d.until("the heading of "+name+" has the focus", fmt.Sprintf(`document.activeElement.id === "%s-heading"`, name))
		d.until("the title says it", fmt.Sprintf(`document.title.startsWith(document.getElementById("%s-heading").textContent)`, name))
	}
}

func TestAQuestionBeginsAtTheSafeAnswerAndEndsWhereItBegan(t *testing.T) {
	w := apptest.New(t)
	w.Add(apptest.Person("44552", ""))
	w.Poll()
	d := sit(t, w)
	d.enter(apptest.APIKey)
	d.shows("#errors", "MISSING_EMAIL")
	d.tabTo("Replay", `e.textContent === "Replay 1 contact"`)
	d.press(kb.Enter)
	d.shows("#question", "Transfer 1 contact")
	d.until("the safe answer has the focus", `document.activeElement.id === "question-no"`)
	d.accessible("a question")
	d.press(kb.Escape)
	d.until("the question is gone and the focus is back", `!document.getElementById("question").open && document.activeElement.textContent === "Replay 1 contact"`)
	if got := w.State("44552"); got.Status != transfer.Failed {
		t.Errorf("after Escape the contact is %s", got.Status)
	}
}
