package secretsmanager_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	service "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	contactsync "contactsync/shared/credentials"
	"contactsync/shared/credentials/secretsmanager"
)

// A stand-in is Secrets Manager without a socket.
type standIn func(r *http.Request) (*http.Response, error)

func (s standIn) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return s(r)
}

func says(status int, body string) standIn {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Request: r, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
	}
}

const document = `{"business_central":{"tenant_id":"t","client_id":"c","client_secret":"canary-secret"},"ipaas":{"api_key":"canary-key"},"webhook":{"api_keys":["canary-caller"]}}`

func value(text string) standIn { return says(200, fmt.Sprintf(`{"SecretString":%q}`, text)) }

// provider reads the secret as the functions do, with the SDK's own repetitions.
func provider(t testing.TB, s standIn, log io.Writer) *contactsync.Provider {
	t.Helper()
	client := service.New(service.Options{Region: "eu-west-1", HTTPClient: s, Credentials: credentials.NewStaticCredentialsProvider("id", "key", "")})
	p, err := contactsync.NewProvider(contactsync.Config{Fetcher: secretsmanager.New(client, "prod/contactsync"), Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhatSecretsManagerMayAnswer(t *testing.T) {
	tests := []struct {
		name string
		standIn
		want error // nil: the secret can be used
	}{
		{"a text", value(document), nil},
		{"bytes", says(200, `{"SecretBinary":"`+base64.StdEncoding.EncodeToString([]byte(document))+`"}`), nil},
		{"bytes that are no text", says(200, `{"SecretBinary":"//79/A=="}`), contactsync.ErrMalformed},
		{"an empty text", value(""), contactsync.ErrMalformed},
		{"neither text nor bytes", says(200, `{}`), contactsync.ErrMalformed},
		{"another JSON", value(`{"api_key":"canary-key"}`), contactsync.ErrMalformed},
		{"a text that is no JSON", value("canary-key"), contactsync.ErrMalformed},
		{"throttled", says(400, `{"__type":"ThrottlingException"}`), contactsync.ErrUnavailable},
		{"500", says(500, `{"__type":"InternalServiceError"}`), contactsync.ErrUnavailable},
		{"503 with HTML", says(503, `<html>`), contactsync.ErrUnavailable},
		{"200 with HTML", says(200, `<html>canary-key`), contactsync.ErrUnavailable},
		{"truncated", says(200, `{"SecretString":"{\"canary-key`), contactsync.ErrUnavailable},
		{"refused", func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }, contactsync.ErrUnavailable},
		{"never", func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, contactsync.ErrUnavailable},
		{"no such secret", says(400, `{"__type":"ResourceNotFoundException"}`), contactsync.ErrMissing},
		{"no permission", says(400, `{"__type":"AccessDeniedException","Message":"canary-key"}`), contactsync.ErrDenied},
		{"token expired", says(400, `{"__type":"ExpiredTokenException"}`), contactsync.ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				begin := time.Now()
				s, err := provider(t, tt.standIn, &log).Secret(t.Context())
				if !errors.Is(err, tt.want) || err == nil && s.IPaaS.APIKey.Reveal() != "canary-key" {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if took := time.Since(begin); took > 10*time.Second {
					t.Errorf("it took %s, longer than one reading may", took)
				}
				if text := fmt.Sprint(err) + log.String(); strings.Contains(text, "canary") && tt.name != "no permission" {
					t.Errorf("the secret shows: %s", text)
				}
			})
		})
	}
}

// While Secrets Manager is down the secret that was read goes on being used, for an
// hour; rotated, the new one counts after five minutes, at once after a rejection.
func TestASecretThatWasReadOutlivesAnOutageAndFollowsARotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now, ctx := value(document), context.Background()
		p := provider(t, func(r *http.Request) (*http.Response, error) { return now(r) }, io.Discard)
		key := func() string {
			t.Helper()
			s, err := p.Secret(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return s.IPaaS.APIKey.Reveal()
		}
		key()
		now = says(503, "<html>")
		time.Sleep(50 * time.Minute)
		if key() != "canary-key" {
			t.Error("an outage changed the key")
		}
		now = value(strings.Replace(document, "canary-key", "rotated", 1))
		time.Sleep(6 * time.Minute)
		if key() != "rotated" {
			t.Error("a rotation is not seen after six minutes")
		}
		now = value(strings.Replace(document, "canary-key", "again", 1))
		if s, err := p.Again(ctx); err != nil || s.IPaaS.APIKey.Reveal() != "again" {
			t.Errorf("a rotation is not seen at once after a rejection: %v", err)
		}
		now = says(503, "")
		time.Sleep(2 * time.Hour)
		if _, err := p.Secret(ctx); !errors.Is(err, contactsync.ErrUnavailable) {
			t.Errorf("after two hours without Secrets Manager: %v, want ErrUnavailable", err)
		}
		now = value(document)
		time.Sleep(2 * time.Second)
		if key() != "canary-key" {
			t.Error("it does not recover")
		}
	})
}

// Whatever Secrets Manager answers: a secret, or one of four errors.
func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"SecretString":"{}"}`)
	f.Add(200, `{"SecretBinary":"e30="}`)
	f.Add(200, `{"SecretBinary":5}`)
	f.Add(400, `{"__type":"ResourceNotFoundException"}`)
	f.Add(400, `{"__type":["x"]}`)
	f.Add(503, `<html>`)
	f.Fuzz(func(t *testing.T, code int, body string) {
		synctest.Test(t, func(t *testing.T) {
			_, err := provider(t, says(200+(code%400+400)%400, body), io.Discard).Secret(t.Context())
			for _, known := range []error{contactsync.ErrMissing, contactsync.ErrDenied, contactsync.ErrMalformed, contactsync.ErrUnavailable} {
				if errors.Is(err, known) {
					return
				}
			}
			if err != nil {
				t.Errorf("got %v", err)
			}
		})
	})
}
