package credentials_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"contactsync/shared/credentials"
)

// vault is a storage whose document and condition a test changes.
type vault struct {
	mu       sync.Mutex
	document string
	err      error
	reads    int
	delay    time.Duration
}

func (v *vault) Fetch(ctx context.Context) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reads++
	if v.delay > 0 {
		select {
		case <-time.After(v.delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return []byte(v.document), v.err
}

// rotate replaces one text of the document.
func (v *vault) rotate(from, to string) { v.document = strings.ReplaceAll(v.document, from, to) }

func provider(t *testing.T, v *vault) *credentials.Provider {
	t.Helper()
	p, err := credentials.NewProvider(credentials.Config{Fetcher: v, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func apiKey(t *testing.T, s credentials.Secret, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return s.IPaaS.APIKey.Reveal()
}

func TestSecretIsKeptForFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{document: online}
		p := provider(t, v)
		if v.reads != 0 {
			t.Fatal("the secret was read before anybody asked")
		}
		for range 3 {
			s, err := p.Secret(t.Context())
			apiKey(t, s, err)
		}
		v.rotate("key-1", "key-2")
		time.Sleep(5*time.Minute - time.Nanosecond)
		if s, err := p.Secret(t.Context()); apiKey(t, s, err) != "key-1" || v.reads != 1 {
			t.Errorf("before 5 minutes: %d reads, want 1", v.reads)
		}
		time.Sleep(time.Nanosecond)
		if s, err := p.Secret(t.Context()); apiKey(t, s, err) != "key-2" || v.reads != 2 {
			t.Errorf("after 5 minutes: %d reads, want 2", v.reads)
		}
	})
}

func TestManyCallersShareOneReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{document: online, delay: time.Second}
		p := provider(t, v)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := p.Secret(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if v.reads != 1 {
			t.Errorf("20 callers made %d readings, want 1", v.reads)
		}
	})
}

func TestRejectedCredentialsAreReadAgainAtOnceAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{document: online}
		p := provider(t, v)
		used, err := p.Secret(t.Context())
		apiKey(t, used, err)
		v.rotate("key-1", "key-2")
		var all sync.WaitGroup
		for range 5 { // workers that met the same 401
			all.Go(func() {
				now, err := p.Again(t.Context())
				if err != nil || now.IPaaS == used.IPaaS || now.BusinessCentral != used.BusinessCentral {
					t.Errorf("the new key did not come, or Business Central's part differs; error %v", err)
				}
			})
		}
		all.Wait()
		if v.reads != 2 {
			t.Errorf("5 rejections made %d readings after the first, want 1", v.reads-1)
		}
		time.Sleep(3 * time.Second)
		if _, err := p.Again(t.Context()); err != nil || v.reads != 3 {
			t.Errorf("a rejection 3 s later: %d readings, want 3; error %v", v.reads, err)
		}
	})
}

func TestUnknownCallersMakeOneReadingInThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{document: online}
		p := provider(t, v)
		accepts := func(key string, want bool, reads int) {
			t.Helper()
			got, err := p.AcceptsKey(t.Context(), key)
			if err != nil || got != want || v.reads != reads {
				t.Errorf("key %s: got %v after %d readings, want %v after %d; error %v", key, got, v.reads, want, reads, err)
			}
		}
		accepts("caller-1", true, 1)
		v.rotate("caller-1", "caller-3")
		accepts("caller-3", true, 2) // at once
		accepts("caller-1", false, 2)
		v.rotate("caller-2", "caller-4")
		accepts("caller-4", false, 2) // the bound
		time.Sleep(30 * time.Second)
		accepts("caller-4", true, 3)
		accepts("", false, 3)

		if got, err := p.AcceptsClientState(t.Context(), "state-9"); got || err != nil || v.reads != 3 {
			t.Errorf("unknown client state: got %v after %d readings, error %v", got, v.reads, err)
		}
		if got, err := p.AcceptsClientState(t.Context(), "state-1"); !got || err != nil {
			t.Errorf("known client state: got %v, error %v", got, err)
		}
	})
}

func TestUnknownCallerWaitsForAReadingThatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{document: online}
		p := provider(t, v)
		if _, err := p.Secret(t.Context()); err != nil {
			t.Fatal(err)
		}
		v.rotate("caller-1", "caller-3")
		v.delay = time.Second
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if got, err := p.AcceptsKey(t.Context(), "caller-3"); !got || err != nil {
					t.Errorf("a caller with the new key is refused while it is read; error %v", err)
				}
			})
		}
		all.Wait()
		if v.reads != 2 {
			t.Errorf("got %d readings, want 2", v.reads)
		}
	})
}

func TestSecretIsUsedOnWhileTheStorageIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{document: online}
		p := provider(t, v)
		s, err := p.Secret(t.Context())
		apiKey(t, s, err)
		v.err = errors.New("connection refused")
		time.Sleep(6 * time.Minute)
		for range 3 {
			if s, err := p.Secret(t.Context()); apiKey(t, s, err) != "key-1" || v.reads != 2 {
				t.Errorf("while the storage is down: %d readings, want 2", v.reads)
			}
		}
		time.Sleep(30 * time.Second)
		if _, err := p.Secret(t.Context()); err != nil || v.reads != 3 {
			t.Errorf("half a minute later: %d readings, want 3; error %v", v.reads, err)
		}
		time.Sleep(54 * time.Minute)
		if _, err := p.Secret(t.Context()); !errors.Is(err, credentials.ErrUnavailable) {
			t.Errorf("after an hour: got error %v, want ErrUnavailable", err)
		}
		v.err = nil
		time.Sleep(time.Second)
		if _, err := p.Secret(t.Context()); err != nil {
			t.Errorf("once the storage is back: %v", err)
		}
	})
}

func TestSecretThatWasTakenBackIsNotUsedOn(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*vault)
		want  error
	}{
		{"deleted", func(v *vault) { v.err = credentials.ErrMissing }, credentials.ErrMissing},
		{"not permitted any more", func(v *vault) { v.err = credentials.ErrDenied }, credentials.ErrDenied},
		{"replaced by something unreadable", func(v *vault) { v.document = "{}" }, credentials.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &vault{document: online}
				p := provider(t, v)
				if _, err := p.Secret(t.Context()); err != nil {
					t.Fatal(err)
				}
				tt.spoil(v)
				if _, err := p.Again(t.Context()); !errors.Is(err, tt.want) {
					t.Errorf("read again: got error %v, want %v", err, tt.want)
				}
				if _, err := p.Secret(t.Context()); !errors.Is(err, tt.want) || v.reads != 2 {
					t.Errorf("afterwards: got error %v after %d readings, want %v after 2", err, v.reads, tt.want)
				}
				if got, err := p.AcceptsKey(t.Context(), "caller-1"); got || !errors.Is(err, tt.want) {
					t.Errorf("a caller: got %v and error %v", got, err)
				}
			})
		})
	}
}

func TestCallerThatGivesUpLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{document: online, delay: 5 * time.Second}
		p := provider(t, v)
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := p.Secret(hurried); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the hurried caller: got error %v", err)
			}
		})
		synctest.Wait()
		if _, err := p.Secret(t.Context()); err != nil {
			t.Errorf("the patient caller: %v", err)
		}
		all.Wait()
	})
}

func TestSlowStorageIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := provider(t, &vault{document: online, delay: time.Minute})
		begin := time.Now()
		_, err := p.Secret(t.Context())
		if !errors.Is(err, credentials.ErrUnavailable) || time.Since(begin) != 10*time.Second {
			t.Errorf("got error %v after %v, want ErrUnavailable after 10 s", err, time.Since(begin))
		}
	})
}

func TestProviderNeedsAFetcher(t *testing.T) {
	if _, err := credentials.NewProvider(credentials.Config{}); err == nil {
		t.Error("a provider without a fetcher was made")
	}
	p, err := credentials.NewProvider(credentials.Config{Fetcher: credentials.Static([]byte(online))})
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Secret(t.Context())
	if apiKey(t, s, err) != "key-1" {
		t.Error("the static document is not what comes")
	}
}
