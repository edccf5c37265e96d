package processes_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"contactsync/shared/app/apptest"
	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/torture/processes/front"
	"contactsync/torture/tally"
)

// A step is one invocation of a day.
type step struct {
	name    string
	prepare func(*scene)                                // what happens in both systems before it
	arm     func(*scene)                                // faults that it meets
	invoke  func(s *scene, timeout time.Duration) error // fails as the caller sees it fail
}

func polling(s *scene, timeout time.Duration) error {
	_, err := s.run(`{}`, timeout)
	return err
}

func posting(path, body string, want int) func(*scene, time.Duration) error {
	return func(s *scene, timeout time.Duration) error {
		status, answer, err := s.call(path, body, timeout)
		if err == nil && status != want {
			err = fmt.Errorf("answered %d %s", status, answer)
		}
		return err
	}
}

// day is what a connection lives through: creates, a linked company, a duplicate,
// a contact without e-mail, a create that is refused once, updates, a new number,
// a manual sync, a hook and its stream event.
//
// M1 and H1 carry a time of change that lies before what a poll reads again: only
// the manual sync and the hook know of them, so that one that is lost shows.
var day = []step{
	{
		name: "first poll",
		prepare: func(s *scene) {
			s.target.AddCompany("Adatum Corporation", "C1")
			s.target.AddCustomer(ipaastest.Customer{CustomerNumber: "W1", LastName: "Web", EmailAddress: "taken@example.com"})
			member := apptest.Person("P1", "p1@example.com")
			member.CompanyNo, member.CompanyName = "C1", "Adatum Corporation"
			s.add(businesscentraltest.Contact{No: "C1", Type: "Company", Name: "Adatum Corporation"}, member,
				apptest.Person("P2", "p2@example.com"), apptest.Person("P3", "taken@example.com"), apptest.Person("P4", ""),
				apptest.Person("P5", "p5@example.com"))
		},
		arm: func(s *scene) {
			s.target.Fail(ipaastest.Script{Route: ipaastest.CustomerCreate, Effect: ipaastest.Effect{Status: http.StatusServiceUnavailable},
				When: func(r ipaastest.Request) bool { return strings.Contains(string(r.Body), "p5@example.com") }})
		},
		invoke: polling,
	},
	{
		name: "manual sync",
		prepare: func(s *scene) {
			s.unseen(apptest.Person("M1", "m1@example.com"))
			s.edit("P2", func(c *businesscentraltest.Contact) { c.City = "Boston" })
		},
		invoke: posting("/transfers", `{"ids":["M1","P2|contact"]}`, http.StatusOK),
	},
	{
		name:    "hook",
		prepare: func(s *scene) { s.unseen(apptest.Person("H1", "h1@example.com")) },
		invoke:  posting("/hooks", `{"notifications":[{"scope":"contact/created","external_id":"H1|contact"}]}`, http.StatusAccepted),
	},
	{
		name:   "stream event",
		invoke: func(s *scene, timeout time.Duration) error { _, err := s.run(s.streamOf("H1"), timeout); return err },
	},
	{
		name: "second poll",
		prepare: func(s *scene) {
			time.Sleep(3 * retryUnit) // P5 is due
			s.pass(time.Hour)
			s.source.Rename("P1", "P9")
			s.add(apptest.Person("P8", "p8@example.com"))
			s.edit("P2", func(c *businesscentraltest.Contact) { c.PhoneNo = "+1 425 555 0199" })
		},
		invoke: polling,
	},
}

func (s *scene) add(contacts ...businesscentraltest.Contact) {
	s.t.Helper()
	for _, c := range contacts {
		s.pass(time.Second)
		s.source.Add(c)
	}
}

func (s *scene) edit(ref string, change func(*businesscentraltest.Contact)) {
	s.t.Helper()
	s.pass(time.Minute)
	s.source.Edit(ref, change)
}

// unseen adds a contact behind the watermark.
func (s *scene) unseen(c businesscentraltest.Contact) {
	s.t.Helper()
	now := s.now()
	s.at(begin.Add(-30 * 24 * time.Hour))
	s.source.Add(c)
	s.at(now)
}

// streamOf is the event of the table's stream when a request for the number was put.
func (s *scene) streamOf(no string) string {
	raw, err := json.Marshal(map[string]any{"Records": []any{record(map[string]string{
		"pk": "default#contact#" + no, "no": no, "trigger": "hook", "requested_at": "2025-03-03T09:00:00.000Z", "token": "of-the-stream",
	}, false)}})
	s.must(err)
	return string(raw)
}

// record is one of a stream event: the image of a request.
func record(values map[string]string, wake bool) any {
	image := map[string]any{"sk": map[string]string{"S": "request"}, "status": map[string]string{"S": "pending"}, "wake": map[string]bool{"BOOL": wake}}
	for name, value := range values {
		if value != "" {
			image[name] = map[string]string{"S": value}
		}
	}
	return map[string]any{"eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": map[string]any{"NewImage": image}}
}

// A perfect day is the one that nothing disturbs.
type perfect struct {
	begins              []moment       // of each step
	calls               [][]front.Call // in each step
	customers, outcomes []string
}

// undisturbed lives through the day, each step in a process of its own.
func (s *scene) undisturbed() perfect {
	s.t.Helper()
	var p perfect
	for _, step := range day {
		if step.prepare != nil {
			step.prepare(s)
		}
		if step.arm != nil {
			step.arm(s)
		}
		p.begins = append(p.begins, s.keep())
		s.front.Kill()
		s.front.Reset()
		if err := step.invoke(s, 0); err != nil {
			s.t.Fatalf("%s: %v\n%s", step.name, err, s.log.tail())
		}
		p.calls = append(p.calls, s.front.Calls())
	}
	s.settle()
	p.customers, p.outcomes = s.customers(), s.outcomes()
	return p
}

// Times of a kill. An invocation has its deadline a few seconds after its begin, so
// that its claims and its lease, which end 2 s after it, end within the scene. On a
// machine that is too slow for the first length the scene is played once more.
var lifetimes = []time.Duration{5 * time.Second, 25 * time.Second}

const excess = 2 * time.Second // of claims and leases after the deadline (guarantees 2c and 8)

// disturbed goes on from the i-th step, which is killed at its n-th call, to the
// end of the day. It reports whether that call came at all.
func (s *scene) disturbed(p *perfect, i, n int, how front.Verdict, lifetime time.Duration, slots chan struct{}) (came bool) {
	s.t.Helper()
	slots <- struct{}{}
	defer func() { <-slots }()
	s.goTo(p.begins[i])
	if day[i].arm != nil {
		day[i].arm(s)
	}
	s.killAt(n, how)
	begun := time.Now()
	err := day[i].invoke(s, lifetime)
	s.front.Still()
	if s.judge.Store(nil); !s.killed.Load() {
		return false
	}
	if err != nil {
		// Whoever called sees the failure and calls again, while the claims of the dead live.
		s.until(day[i])
		<-slots
		time.Sleep(time.Until(begun.Add(lifetime + excess + 100*time.Millisecond)))
		slots <- struct{}{}
	}
	s.rest(i)
	return true
}

// rest is what comes after the i-th step, to the end of the day.
func (s *scene) rest(i int) {
	s.t.Helper()
	for _, step := range day[i+1:] {
		if step.prepare != nil {
			step.prepare(s)
		}
		s.until(step)
	}
	s.settle()
}

// until calls until the call succeeds, as a scheduler, a stream and a patient
// caller do.
func (s *scene) until(step step) {
	s.t.Helper()
	var err error
	for range 3 {
		if err = step.invoke(s, 0); err == nil {
			return
		}
	}
	s.t.Errorf("%s, three times: %v\n%s", step.name, err, s.log.tail())
}

var five = flag.Bool("five", false, "kill functions with five workers too")

func TestAFunctionThatIsKilledAtAnyCallLosesAndDoublesNothing(t *testing.T) {
	killedAtAnyCall(t, 1)
}

// Five workers make their calls in another order every time: the n-th call is
// another one, and the last ones may not come.
func TestAFunctionWithFiveWorkersThatIsKilledAtAnyCallLosesAndDoublesNothing(t *testing.T) {
	if !*five {
		t.Skip("takes half as long again: run it with -five, as make torture does")
	}
	killedAtAnyCall(t, 5)
}

// kills are those of the n-th call: before and after it. Where the order of the calls
// is another one every time, one of them does.
func kills(workers, n int) map[string]front.Verdict {
	both := map[string]front.Verdict{"before": front.KillBefore, "after": front.KillAfter}
	if workers > 1 {
		delete(both, []string{"before", "after"}[n%2])
	}
	return both
}

func killedAtAnyCall(t *testing.T, workers int) {
	stand := newStand(t)
	count := tally.Begin(t, fmt.Sprintf("function killed at any call, workers: %d", workers))
	undisturbed := stand.scene(t, stand.clouds[0], settings{workers: workers})
	p := undisturbed.undisturbed()
	if len(p.customers) != 7 || len(p.outcomes) != 9 {
		t.Fatalf("the day does not go as it should:\n%s\n%s\n%s", strings.Join(p.customers, "\n"), strings.Join(p.outcomes, "\n"), undisturbed.log.tail())
	}
	complete(t, &p)
	scenes := scenes{working: 4}
	for i, calls := range p.calls {
		t.Logf("%s: %d calls", day[i].name, len(calls))
		for _, c := range calls {
			for mode, how := range kills(workers, c.N) {
				name := fmt.Sprintf("%s killed %s call %d, %s %s", day[i].name, mode, c.N, c.Side, strings.ReplaceAll(c.Name, "/", "."))
				scenes.add(name, func(t *testing.T, number int) {
					cloud := stand.clouds[number%len(stand.clouds)]
					for _, lifetime := range lifetimes {
						s := stand.scene(t, cloud, settings{workers: workers})
						s.count = count
						if s.disturbed(&p, i, c.N, how, lifetime, scenes.slots) {
							count.Scene(t)
							s.same("customers", s.customers(), p.customers)
							s.same("outcomes", s.outcomes(), p.outcomes)
							s.discreet()
							return
						}
						if workers > 1 {
							t.Skipf("call %d did not come this time", c.N)
						}
					}
					count.Scene(t)
					t.Errorf("call %d did not come", c.N)
				})
			}
		}
	}
	scenes.play(t)
}

// complete fails when a kind of call is missing from the day: the matrix would be
// smaller than it says.
func complete(t *testing.T, p *perfect) {
	t.Helper()
	made := map[string]bool{}
	for _, calls := range p.calls {
		for _, c := range calls {
			made[c.Side+" "+c.Name] = true
		}
	}
	for _, kind := range []string{
		"AWS GetSecretValue", "AWS GetItem", "AWS PutItem", "AWS UpdateItem", "AWS DeleteItem", "AWS BatchGetItem", "AWS BatchWriteItem", "AWS Query",
		"Business Central GET /Contact_Card", "Business Central GET /Contact_Card next", "Business Central POST /" + businesscentraltest.DefaultTenant + "/oauth2/v2.0/token",
		"iPaaS.com POST /customers/v2/Customer", "iPaaS.com GET /customers/v2/Customers", "iPaaS.com POST /customers/v2/External/LookupSpecial",
		"iPaaS.com POST /customers/v2/External/UpdateExternalId", "Runtime API answer",
	} {
		if !made[kind] {
			t.Errorf("the day makes no call %s: %v", kind, slices.Sorted(maps.Keys(made)))
		}
	}
}
