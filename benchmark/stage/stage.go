// Package stage says where the systems of a measurement are.
package stage

// Addresses are what the process with the simulators tells of itself.
type Addresses struct {
	BusinessCentral string `json:"business_central"` // BC_BASE_URL
	Token           string `json:"token"`            // BC_TOKEN_URL
	Company         string `json:"company"`
	Secret          string `json:"secret"` // the secret's document
	IPaaS           string `json:"ipaas"`  // IPAAS_BASE_URL
	APIKey          string `json:"api_key"`
	SystemID        string `json:"system_id"`
	Control         string `json:"control"`
}

// Environ returns the settings of a job that works with them, at a rate that is out
// of reach.
func (a Addresses) Environ() []string {
	return []string{
		"CONNECTION=default", "TABLE_NAME=transfers", "SECRET_ID=secret", "BC_BASE_URL=" + a.BusinessCentral, "BC_TOKEN_URL=" + a.Token,
		"BC_COMPANY=" + a.Company, "IPAAS_BASE_URL=" + a.IPaaS, "IPAAS_SYSTEM_ID=" + a.SystemID, "IPAAS_RATE=100000/1s",
	}
}
