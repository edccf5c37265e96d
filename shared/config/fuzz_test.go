package config_test

import (
	"errors"
	"strings"
	"testing"

	"contactsync/shared/config"
)

// Whatever the environment holds: it can be worked with, or each line of the error
// names a variable and never its value.
func FuzzLoad(f *testing.F) {
	f.Add("TABLE_NAME", "t", "BC_BASE_URL", "https://user:pass@host/%zz?x#y")
	f.Add("IPAAS_RATE", "auto", "WORKERS", "99999999999999999999")
	f.Add("POLL_OVERLAP", "-1h", "RETRY_UNIT", "1e9h")
	f.Add("BC_TOKEN_URL", "http://[::1]:1/{tenant}/{tenant}", "BC_API_PATH", "a/b/c/d")
	f.Add("CONNECTION", "a#b", "BC_COMPANY", "\x00'\u202e")
	f.Add("WEBHOOK_URL", "http://127.0.0.1.evil.example", "IPAAS_BASE_URL", "http://localhost@evil.example")
	f.Add("MAPPING_FILE", "../../etc/passwd.yaml", "BC_PROFILE", "/x.yaml")
	f.Fuzz(func(t *testing.T, name, value, other, otherValue string) {
		base := []string{"TABLE_NAME=table", "SECRET_ID=secret", "BC_COMPANY=CRONUS", "IPAAS_SYSTEM_ID=313"}
		cfg, err := config.Load(append(base, name+"="+value, other+"="+otherValue))
		if err == nil {
			if cfg.Workers < 1 || cfg.RetryUnit <= 0 || cfg.BCBaseURL == "" || cfg.TableName == "" {
				t.Fatalf("unusable settings were accepted: %+v", cfg)
			}
			for _, address := range []string{cfg.BCBaseURL, cfg.IPaaSBaseURL, cfg.BCTokenURL} {
				if !strings.HasPrefix(strings.ToLower(address), "https://") && !strings.HasPrefix(strings.ToLower(address), "http://") {
					t.Fatalf("address %q was accepted", address)
				}
			}
			_, err := cfg.IPaaSRate.Limiter(cfg.Workers)
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		if _, ok := errors.AsType[*config.Problem](err); !ok {
			t.Fatalf("an error that names no variable: %v", err)
		}
		for _, v := range []string{value, otherValue} {
			if v = strings.TrimSpace(v); len(v) > 40 && strings.Contains(err.Error(), v) {
				t.Errorf("the error quotes a value: %v", err)
			}
		}
	})
}
