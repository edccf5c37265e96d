package credentials_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"contactsync/shared/credentials"
)

const online = `{
  "business_central": {"tenant_id": "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "client_id": "app", "client_secret": "hunter2"},
  "ipaas": {"api_key": "key-1", "client_id": "acme"},
  "webhook": {"client_states": ["state-2", "state-1"], "api_keys": ["caller-2", "caller-1"]}
}`

func TestParseOnline(t *testing.T) {
	got, err := credentials.Parse([]byte(online))
	if err != nil {
		t.Fatal(err)
	}
	want := credentials.Secret{
		BusinessCentral: credentials.BusinessCentral{
			TenantID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", ClientID: "app", ClientSecret: credentials.Hide("hunter2")},
		IPaaS: credentials.IPaaS{APIKey: credentials.Hide("key-1"), ClientID: "acme"},
		Webhook: credentials.Webhook{
			ClientStates: []credentials.Hidden{credentials.Hide("state-2"), credentials.Hide("state-1")},
			APIKeys:      []credentials.Hidden{credentials.Hide("caller-2"), credentials.Hide("caller-1")}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b credentials.Hidden) bool { return a == b })); diff != "" {
		t.Errorf("secret (-want +got):\n%s", diff)
	}
	if got.BusinessCentral.OnPremises() {
		t.Error("an app registration counts as on-premises")
	}
	if got.BusinessCentral.ClientSecret.Reveal() != "hunter2" {
		t.Error("the client secret is not revealed as it was written")
	}
}

func TestParseOnPremises(t *testing.T) {
	got, err := credentials.Parse([]byte("\ufeff" + `{"business_central":{"username":"DOMAIN\\sync","web_service_access_key":"k"},"ipaas":{"api_key":"a"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if bc := got.BusinessCentral; !bc.OnPremises() || bc.Username.Reveal() != `DOMAIN\sync` || bc.AccessKey.Reveal() != "k" {
		t.Errorf("the on-premises user was not read: on-premises %v", bc.OnPremises())
	}
	if got.Webhook.AcceptsKey("") || got.Webhook.AcceptsClientState("") || got.Webhook.AcceptsKey("a") {
		t.Error("a secret without callers accepts one")
	}
}

func TestUnknownMembersAreNamedAndTolerated(t *testing.T) {
	got, err := credentials.Parse([]byte(`{"business_central":{"username":"u","web_service_access_key":"k","realm":"x"},` +
		`"ipaas":{"api_key":"a","apikey":"b"},"webhook":{"keys":[]},"note":1}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"business_central.realm", "ipaas.apikey", "note", "webhook.keys"}
	if !slices.Equal(got.Unknown, want) {
		t.Errorf("unknown members: got %v, want %v", got.Unknown, want)
	}
}

func TestMalformedSecretsListEveryProblem(t *testing.T) {
	bc := `"business_central":{"tenant_id":"t","client_id":"c","client_secret":"hunter2"}`
	tests := []struct {
		name     string
		document string
		want     []string
	}{
		{"nothing", " \n", []string{"it is empty"}},
		{"no JSON", `{"ipaas": hunter2}`, []string{"it is not JSON"}},
		{"no UTF-8", "\"\xff\"", []string{"it is not JSON"}},
		{"a list", `["hunter2"]`, []string{"it is not a JSON object"}},
		{"null", `null`, []string{"it is not a JSON object"}},
		{"an empty object", `{}`, []string{"business_central is missing", "ipaas is missing"}},
		{"names in another case", `{"Business_Central":{},"IPAAS":{}}`, []string{"business_central is missing", "ipaas is missing"}},
		{"parts that are no objects", `{"business_central":"hunter2","ipaas":[],"webhook":7}`,
			[]string{"business_central is not an object", "ipaas is not an object", "webhook is not an object"}},
		{"both forms of Business Central", `{"business_central":{"tenant_id":"t","username":"u"},"ipaas":{"api_key":"a"}}`,
			[]string{"business_central needs either"}},
		{"neither form of Business Central", `{"business_central":{},"ipaas":{"api_key":"a"}}`, []string{"business_central needs either"}},
		{"half an app registration and no key", `{"business_central":{"tenant_id":"a/b","client_id":7,"client_secret":""},"ipaas":{}}`,
			[]string{"client_id is not a text", "client_secret is missing", "tenant_id is neither", "ipaas.api_key is missing"}},
		{"half a user", `{"business_central":{"username":"hun:ter2"},"ipaas":{"api_key":null}}`,
			[]string{"username holds a colon", "web_service_access_key is missing", "ipaas.api_key is missing"}},
		{"a line break that was copied along", `{` + bc + `,"ipaas":{"api_key":"hunter2\n"}}`, []string{"ipaas.api_key has blanks"}},
		{"a control character", `{` + bc + `,"ipaas":{"api_key":"hun\u0000ter2"}}`, []string{"ipaas.api_key holds a control"}},
		{"a key that is no list", `{` + bc + `,"ipaas":{"api_key":"a"},"webhook":{"api_keys":"hunter2","client_states":[1]}}`,
			[]string{"client_states is not a list", "api_keys is not a list"}},
		{"lists with faults", `{` + bc + `,"ipaas":{"api_key":"a"},"webhook":{"api_keys":["","hunter 2"],"client_states":["` + strings.Repeat("x", 2049) + `"]}}`,
			[]string{"client_states[0] is longer", "api_keys[0] is empty", "api_keys[1] holds a character"}},
		{"too many callers", `{` + bc + `,"ipaas":{"api_key":"a"},"webhook":{"api_keys":["1","2","3","4","5","6","7","8","9","10","11"]}}`,
			[]string{"api_keys has 11 values"}},
		{"a whole book", `{"x":"` + strings.Repeat("x", 65<<10) + `"}`, []string{"it has 66568 bytes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := credentials.Parse([]byte(tt.document))
			var malformed *credentials.MalformedError
			if !errors.As(err, &malformed) || !errors.Is(err, credentials.ErrMalformed) {
				t.Fatalf("got error %v, want a MalformedError", err)
			}
			if len(malformed.Problems) != len(tt.want) {
				t.Errorf("got %d problems, want %d:\n%v", len(malformed.Problems), len(tt.want), err)
			}
			for _, want := range tt.want {
				if !slices.ContainsFunc(malformed.Problems, func(p string) bool { return strings.Contains(p, want) }) {
					t.Errorf("no problem says %q:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), "unter") {
				t.Errorf("a value stands in the error:\n%v", err)
			}
		})
	}
}

func TestOneOfTheKeysIsAccepted(t *testing.T) {
	s, err := credentials.Parse([]byte(online))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{"caller-1": true, "caller-2": true, "caller-": false, "caller-11": false, "state-1": false, "": false} {
		if got := s.Webhook.AcceptsKey(key); got != want {
			t.Errorf("key %q: got %v, want %v", key, got, want)
		}
	}
	for state, want := range map[string]bool{"state-1": true, "state-2": true, "caller-1": false, "": false} {
		if got := s.Webhook.AcceptsClientState(state); got != want {
			t.Errorf("client state %q: got %v, want %v", state, got, want)
		}
	}
}

func TestHiddenIsNeverPrinted(t *testing.T) {
	secret, err := credentials.Parse([]byte(online))
	if err != nil {
		t.Fatal(err)
	}
	hidden := secret.BusinessCentral.ClientSecret
	unexported := struct{ inner credentials.Secret }{secret}
	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%e", "%p", "%y"} {
		for _, value := range []any{hidden, &hidden, secret, &secret, unexported, &unexported,
			[]credentials.Hidden{hidden}, map[string]any{"k": hidden}, fmt.Errorf("%w", errors.New(hidden.String()))} {
			_, _ = fmt.Fprintf(&printed, verb+"\n", value)
		}
	}
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&printed, nil), slog.NewTextHandler(&printed, nil)} {
		slog.New(handler).Info("said", "hidden", hidden, "secret", secret, "pointer", &secret, "group", slog.GroupValue(slog.Any("x", hidden)))
	}
	if err := json.NewEncoder(&printed).Encode(map[string]any{"hidden": hidden, "secret": secret}); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2"), "caller-1", "state-1", "key-1"} {
		if strings.Contains(printed.String(), value) {
			t.Errorf("%q was printed:\n%s", value, printed.String())
		}
	}
	if !strings.Contains(printed.String(), "[secret]") {
		t.Error("nothing says that a secret stands there")
	}
}

func TestHiddenValuesCompareByTheirText(t *testing.T) {
	if credentials.Hide("a") != credentials.Hide(strings.ToLower("A")) {
		t.Error("equal texts differ")
	}
	if credentials.Hide("a") == credentials.Hide("b") {
		t.Error("different texts are equal")
	}
	if !credentials.Hide("").IsZero() || credentials.Hide("").Reveal() != "" || credentials.Hide("a").IsZero() {
		t.Error("the zero Hidden is not the empty text")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(online))
	f.Add([]byte(`{"business_central":{"username":"u","web_service_access_key":"k"},"ipaas":{"api_key":"a"},"webhook":{"api_keys":[null]}}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		s, err := credentials.Parse(document)
		if err != nil && !errors.Is(err, credentials.ErrMalformed) {
			t.Fatalf("error of another kind: %v", err)
		}
		if err == nil && s.IPaaS.APIKey.IsZero() {
			t.Fatal("a secret without an API key was accepted")
		}
	})
}
