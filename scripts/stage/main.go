// Command stage sets up what a local run of the functions needs: both simulators
// over the demo company under one address, and the table and the secret in a
// stand-in for AWS. It writes the settings for sam local's --env-vars once all is
// there, and serves until it is stopped.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"contactsync/shared/businesscentral/businesscentraltest"
	"contactsync/shared/ipaas/ipaastest"
	"contactsync/shared/status/dynamostore"
)

const (
	table  = "contactsync-local"
	secret = "contactsync-local"
)

// options are the flags.
type options struct {
	listen string // address and port of the simulators
	host   string // the name of this machine as the functions see it
	aws    string // the stand-in for AWS as this machine sees it
	output string // the file for --env-vars
	secret string // a file for the secret's value; empty makes table and secret in the stand-in
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "where the simulators listen")
	flag.StringVar(&o.host, "host", "host.docker.internal", "this machine's name inside the containers")
	flag.StringVar(&o.aws, "aws", "", "address of the stand-in for AWS")
	flag.StringVar(&o.output, "output", "", "file for the settings, in the form of sam local's --env-vars")
	flag.StringVar(&o.secret, "secret", "", "file for the secret's value, instead of making table and secret: a stack does")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "stage:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	source, target, err := simulators("http://" + net.JoinHostPort(o.host, strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/ipaas/", http.StripPrefix("/ipaas", target))
	mux.Handle("/", source)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	document, err := secretValue(source, target)
	if err != nil {
		return err
	}
	if o.secret != "" {
		err = os.WriteFile(o.secret, document, 0o600)
	} else {
		err = resources(ctx, o.aws, document)
	}
	if err != nil {
		return err
	}
	if err := settings(o, source, target); err != nil {
		return err
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// simulators returns both systems with the demo company and the contact that the
// sample events name. origin is how the functions reach them.
func simulators(origin string) (*businesscentraltest.Simulator, *ipaastest.Simulator, error) {
	source := businesscentraltest.New(businesscentraltest.Config{})
	source.SetOrigin(origin)
	sample := businesscentraltest.Contact{
		SystemID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", No: "44552", Type: "Person",
		FirstName: "Ada", Surname: "Byron", EMail: "ada@example.com",
	}
	if err := errors.Join(source.AddDemo(), source.AddContacts(sample)); err != nil {
		return nil, nil, err
	}
	demo := businesscentraltest.NewDemo()
	links := map[string]string{}
	for _, company := range demo.LinkedCompanies {
		links[company.Name] = company.Number
	}
	return source, ipaastest.Demo(ipaastest.Config{}, links, demo.TakenEMails...), nil
}

// secretValue returns the credentials of both simulators and of the sample events.
func secretValue(source *businesscentraltest.Simulator, target *ipaastest.Simulator) ([]byte, error) {
	c := source.Config()
	return json.Marshal(map[string]any{
		"business_central": map[string]string{"tenant_id": c.Tenant, "client_id": c.ClientID, "client_secret": c.ClientSecret},
		"ipaas":            map[string]string{"api_key": target.APIKey()},
		"webhook": map[string][]string{
			"client_states": {"sandbox-client-state"}, "api_keys": {"sandbox-key"}, // those of the sample events
		},
	})
}

// resources makes the table and the secret.
func resources(ctx context.Context, endpoint string, document []byte) error {
	shared := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint), // the region that sam local tells its functions
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
	store, err := dynamostore.New(dynamostore.Config{Connection: "default", Table: table, AWS: &shared})
	if err != nil {
		return err
	}
	if err := store.CreateTable(ctx); err != nil {
		return err
	}
	_, err = secretsmanager.NewFromConfig(shared).CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name: aws.String(secret), SecretString: aws.String(string(document)),
	})
	return err
}

// settings writes the file whose presence tells that the stage is set.
func settings(o options, source *businesscentraltest.Simulator, target *ipaastest.Simulator) error {
	standIn, err := url.Parse(o.aws)
	if err != nil {
		return fmt.Errorf("-aws: %w", err)
	}
	origin := strings.TrimSuffix(source.BaseURL(), "/v2.0")
	content, err := json.MarshalIndent(map[string]any{"Parameters": map[string]string{
		"TABLE_NAME": table, "SECRET_ID": secret,
		"BC_BASE_URL": source.BaseURL(), "BC_TOKEN_URL": source.TokenURL(), "BC_COMPANY": source.CompanyName(),
		"IPAAS_BASE_URL": origin + "/ipaas", "IPAAS_SYSTEM_ID": strconv.FormatInt(target.SystemID(), 10), "IPAAS_RATE": "10000/60s",
		"AWS_ENDPOINT_URL": "http://" + net.JoinHostPort(o.host, standIn.Port()),
	}}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.output+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(o.output+".new", o.output)
}
