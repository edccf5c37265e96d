package app

import (
	"context"
	"crypto/sha256"

	"contactsync/shared/businesscentral"
	"contactsync/shared/credentials"
	"contactsync/shared/ipaas"
)

// sourceAccount gives the Business Central client its part of the secret.
type sourceAccount struct{ secrets *credentials.Provider }

func (s sourceAccount) Account(ctx context.Context) (businesscentral.Account, error) {
	secret, err := s.secrets.Secret(ctx)
	return sourceOf(secret), err
}

func (s sourceAccount) Rejected(ctx context.Context, _ businesscentral.Account) (businesscentral.Account, error) {
	secret, err := s.secrets.Again(ctx)
	return sourceOf(secret), err
}

func sourceOf(s credentials.Secret) businesscentral.Account {
	bc := s.BusinessCentral
	return businesscentral.Account{
		TenantID: bc.TenantID, ClientID: bc.ClientID, ClientSecret: bc.ClientSecret.Reveal(),
		Username: bc.Username.Reveal(), WebServiceAccessKey: bc.AccessKey.Reveal(),
	}
}

// targetAccount gives the iPaaS.com client its part of the secret.
type targetAccount struct{ secrets *credentials.Provider }

func (t targetAccount) IPaaS(ctx context.Context) (ipaas.Account, error) {
	secret, err := t.secrets.Secret(ctx)
	return targetOf(secret), err
}

func (t targetAccount) Rejected(ctx context.Context, _ ipaas.Account) (ipaas.Account, error) {
	secret, err := t.secrets.Again(ctx)
	return targetOf(secret), err
}

func targetOf(s credentials.Secret) ipaas.Account {
	return ipaas.Account{APIKey: s.IPaaS.APIKey.Reveal(), ClientID: s.IPaaS.ClientID}
}

// HashKey derives the key of the hashes in the table from those parts of the
// secret that stay when client secret, access key and API key rotate: a rotation
// must not make every contact look changed. They are not in the table.
func (a *App) HashKey(ctx context.Context) ([]byte, error) {
	secret, err := a.secrets.Secret(ctx)
	if err != nil {
		return nil, err
	}
	bc := secret.BusinessCentral
	sum := sha256.Sum256([]byte("contactsync hashes\x00" + bc.TenantID + "\x00" + bc.ClientID + "\x00" + bc.Username.Reveal() + "\x00" + a.Config.Connection))
	return sum[:], nil
}
