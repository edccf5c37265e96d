package secretsmanager_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	service "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	contactsync "contactsync/shared/credentials"
	"contactsync/shared/credentials/secretsmanager"
)

// fetcher returns a Fetcher whose service answers every call in the same way.
func fetcher(t *testing.T, status int, answer string) *secretsmanager.Fetcher {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ SecretId string }
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &asked); err != nil || asked.SecretId != "prod/contactsync" ||
			r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
			t.Errorf("unexpected request %s: %s", r.Header.Get("X-Amz-Target"), body)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	client := service.New(service.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(server.URL), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("id", "key", ""),
	})
	return secretsmanager.New(client, "prod/contactsync")
}

func TestFetch(t *testing.T) {
	tests := []struct {
		name   string
		status int
		answer string
		want   string
		err    error
	}{
		{"a text", 200, `{"SecretString":"{\"a\":1}"}`, `{"a":1}`, nil},
		{"bytes", 200, `{"SecretBinary":"eyJhIjoxfQ=="}`, `{"a":1}`, nil},
		{"no such secret, or no value", 400, `{"__type":"ResourceNotFoundException","message":"x"}`, "", contactsync.ErrMissing},
		{"about to be deleted", 400, `{"__type":"InvalidRequestException","message":"x"}`, "", contactsync.ErrMissing},
		{"no permission", 400, `{"__type":"AccessDeniedException","Message":"x"}`, "", contactsync.ErrDenied},
		{"no permission for the key", 400, `{"__type":"DecryptionFailure","message":"x"}`, "", contactsync.ErrDenied},
		{"throttled", 400, `{"__type":"ThrottlingException","message":"x"}`, "", contactsync.ErrUnavailable},
		{"down", 503, `<html>`, "", contactsync.ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := fetcher(t, tt.status, tt.answer).Fetch(t.Context())
			if !errors.Is(err, tt.err) || string(got) != tt.want {
				t.Fatalf("got %q and error %v, want %q and %v", got, err, tt.want, tt.err)
			}
			if err != nil && !strings.Contains(err.Error(), "prod/contactsync") {
				t.Errorf("the error does not name the secret: %v", err)
			}
		})
	}
}
