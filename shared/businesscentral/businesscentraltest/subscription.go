package businesscentraltest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Subscription asks for notifications about one entity set
// (business-central.md 8.2).
type Subscription struct {
	ID              string    `json:"subscription_id"`
	NotificationURL string    `json:"notification_url"`
	Resource        string    `json:"resource"` // as it was given
	ClientState     string    `json:"client_state"`
	Created         time.Time `json:"created"`
	Modified        time.Time `json:"modified"`
	Expires         time.Time `json:"expires"`
	version         uint64
	table           *table
	timed           bool // the API has a lastModifiedDateTime
	prefix          string
	pending         pendingChanges
}

// webhooks is guarded by the simulator's lock.
type webhooks struct {
	subscriptions []*Subscription
	deliveries    map[string]*delivery // by notification URL
}

// handshakeTimeout is ApiSubscriptionNotificationUrlTimeout.
const handshakeTimeout = 5 * time.Second

// Subscriptions returns those that are alive, oldest first.
func (s *Simulator) Subscriptions() []Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	var list []Subscription
	for _, subscription := range s.webhooks.subscriptions {
		one := *subscription
		one.pending = pendingChanges{}
		list = append(list, one)
	}
	return list
}

// DropSubscriptions removes all, as copying an environment does.
func (s *Simulator) DropSubscriptions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhooks = webhooks{}
}

// expire removes what is over, silently. The caller holds the lock.
func (s *Simulator) expire() {
	now := s.now()
	s.webhooks.subscriptions = slices.DeleteFunc(s.webhooks.subscriptions, func(one *Subscription) bool { return !now.Before(one.Expires) })
}

func (s *Simulator) serveSupportedResources(w http.ResponseWriter, r *http.Request) *apiError {
	resources := []string{"v2.0/contacts", "v2.0/customers"}
	if s.cfg.Assumptions.ContactsNotSubscribable {
		resources = resources[1:]
	}
	if s.cfg.CustomAPI != nil {
		resources = append(resources, s.cfg.CustomAPI.path()+"/contacts")
	}
	options, err := parseOptions(r.URL.RawQuery)
	if err != nil {
		return err
	}
	for _, o := range options {
		if o.name != "$filter" {
			s.unknown(r, "the query option "+o.name+" here")
			return notImplemented("The simulator does not know the query option " + o.name + ".")
		}
		literal, ok := strings.CutPrefix(o.value, "resource eq ")
		text, quoted := keyText(literal)
		if !ok || !quoted {
			return badRequest("Syntax error in the $filter expression.")
		}
		prefix, wild := strings.CutSuffix(text, "*")
		resources = slices.DeleteFunc(resources, func(resource string) bool {
			return resource != text && !(wild && strings.HasPrefix(resource, prefix))
		})
	}
	jsonContent(w)
	b := append(appendText([]byte(`{"@odata.context":`), origin(r)+r.URL.EscapedPath()), `,"value":[`...)
	for i, resource := range resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(append(b, `{"resource":`...), resource), '}')
	}
	_, _ = w.Write(append(b, "]}"...)) // the caller may have gone
	return nil
}

// serveSubscriptions is the life cycle of business-central.md 8.2.
func (s *Simulator) serveSubscriptions(w http.ResponseWriter, r *http.Request, c *call, body string) *apiError {
	switch {
	case c.route == RouteSubscriptions && r.Method == http.MethodGet:
		return s.listSubscriptions(w, r, c)
	case c.route == RouteSubscriptions && r.Method == http.MethodPost:
		return s.subscribe(w, r, c, body)
	case c.route == RouteSubscriptions:
		s.unknown(r, "this method here")
		return methodNotAllowed(r, "subscriptions")
	}
	id, ok := keyText(*c.key)
	if !ok || !strings.HasPrefix(*c.key, "'") {
		return badKey()
	}
	s.mu.Lock()
	one := s.subscription(id, c.prefix)
	s.mu.Unlock()
	if one == nil {
		return noSegment("subscriptions")
	}
	switch r.Method {
	case http.MethodGet:
		s.writeSubscription(w, r, one, http.StatusOK)
		return nil
	case http.MethodPatch:
		return s.renew(w, r, one, body)
	case http.MethodDelete:
		return s.unsubscribe(w, r, one)
	}
	s.unknown(r, "this method here")
	return methodNotAllowed(r, "subscriptions")
}

func (s *Simulator) subscription(id, prefix string) *Subscription {
	s.expire()
	i := slices.IndexFunc(s.webhooks.subscriptions, func(one *Subscription) bool { return one.ID == id && one.prefix == prefix })
	if i < 0 {
		return nil
	}
	return s.webhooks.subscriptions[i]
}

func (s *Simulator) listSubscriptions(w http.ResponseWriter, r *http.Request, c *call) *apiError {
	if r.URL.RawQuery != "" {
		s.unknown(r, "query options on subscriptions")
		return notImplemented("The simulator does not know query options on subscriptions.")
	}
	s.mu.Lock()
	s.expire()
	b := append(appendText([]byte(`{"@odata.context":`), subscriptionContext(r)), `,"value":[`...)
	first := true
	for _, one := range s.webhooks.subscriptions {
		if one.prefix != c.prefix {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = one.appendJSON(append(b, '{'))
	}
	s.mu.Unlock()
	jsonContent(w)
	_, _ = w.Write(append(b, "]}"...)) // the caller may have gone
	return nil
}

func subscriptionContext(r *http.Request) string {
	path := r.URL.EscapedPath()
	return origin(r) + path[:strings.LastIndex(path, "/")] + "/$metadata#subscriptions"
}

func (one *Subscription) etag() string { return (&row{version: one.version}).etag() }

func (one *Subscription) appendJSON(b []byte) []byte {
	b = appendText(append(b, `"@odata.etag":`...), one.etag())
	user := "00000000-0000-0000-0000-000000000001"
	for _, member := range [][2]string{
		{"subscriptionId", one.ID}, {"notificationUrl", one.NotificationURL}, {"resource", one.Resource},
		{"userId", user}, {"lastModifiedDateTime", one.Modified.Format(stampLayout)}, {"clientState", one.ClientState},
		{"expirationDateTime", one.Expires.Format(time.RFC3339)}, {"systemCreatedAt", one.Created.Format(stampLayout)},
		{"systemCreatedBy", user}, {"systemModifiedAt", one.Modified.Format(stampLayout)}, {"systemModifiedBy", user},
	} {
		b = appendText(append(b, `,"`+member[0]+`":`...), member[1])
	}
	return append(b, '}')
}

func (s *Simulator) writeSubscription(w http.ResponseWriter, r *http.Request, one *Subscription, status int) {
	s.mu.RLock()
	b := one.appendJSON(append(appendText([]byte(`{"@odata.context":`), subscriptionContext(r)+"/$entity"), ','))
	s.mu.RUnlock()
	jsonContent(w)
	w.WriteHeader(status)
	_, _ = w.Write(b) // the caller may have gone
}

// subscribe makes a new subscription after its handshake.
func (s *Simulator) subscribe(w http.ResponseWriter, r *http.Request, c *call, body string) *apiError {
	var in struct{ NotificationURL, Resource, ClientState *string }
	if err := json.Unmarshal([]byte(body), &in); err != nil || in.NotificationURL == nil || in.Resource == nil {
		return badRequest("Invalid Request Body")
	}
	one := &Subscription{ID: strings.ToLower(rand.Text() + "000000")[:32], NotificationURL: *in.NotificationURL, Resource: *in.Resource, prefix: c.prefix}
	if in.ClientState != nil {
		one.ClientState = *in.ClientState
	}
	if len([]rune(one.ClientState)) > 2048 {
		return &apiError{status: http.StatusBadRequest, code: "Application_StringExceededLength", message: "The clientState is longer than 2048 characters."}
	}
	if err := s.resource(one); err != nil {
		return err
	}
	s.mu.Lock()
	s.expire()
	full := len(s.webhooks.subscriptions) >= s.cfg.MaxSubscriptions
	s.mu.Unlock()
	if full {
		return &apiError{status: http.StatusBadRequest, code: "Application_DialogException", message: "The maximum number of subscriptions is reached."}
	}
	if err := s.handshake(r.Context(), one.NotificationURL); err != nil {
		return err
	}
	s.mu.Lock()
	s.version++
	one.version = s.version
	one.Created = s.now()
	one.Modified, one.Expires = one.Created, one.Created.Add(s.cfg.SubscriptionLifetime)
	s.webhooks.subscriptions = append(s.webhooks.subscriptions, one)
	s.mu.Unlock()
	s.writeSubscription(w, r, one, http.StatusCreated)
	return nil
}

// resource finds the entity set that is subscribed to. Relative and absolute
// texts are accepted, with or without the leading slash.
func (s *Simulator) resource(one *Subscription) *apiError {
	unsupported := badRequest("The resource '%s' is not supported for subscriptions.", one.Resource)
	text := one.Resource
	if i := strings.Index(text, "/api/"); strings.Contains(text, "://") && i >= 0 {
		text = text[i:]
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "/"), "api/")
	text = strings.TrimPrefix(text, one.prefix+"/")
	company, set, found := strings.Cut(text, "/")
	name, key := splitKey(company)
	if !found || name != "companies" || key == nil {
		return unsupported
	}
	if known := s.company(*key); known == nil {
		return s.noCompany(*key)
	}
	sets := s.standard
	if one.prefix != "v2.0" {
		sets = s.custom
	}
	i := slices.IndexFunc(sets, func(e *entitySet) bool { return e.name == set })
	if i < 0 || set == "contacts" && one.prefix == "v2.0" && s.cfg.Assumptions.ContactsNotSubscribable {
		return unsupported
	}
	one.table, one.timed = sets[i].table, sets[i].find("lastModifiedDateTime") != nil
	return nil
}

// renew repeats the handshake and gives the subscription its full life again.
func (s *Simulator) renew(w http.ResponseWriter, r *http.Request, one *Subscription, body string) *apiError {
	var in struct{ NotificationURL, Resource, ClientState *string }
	if err := json.Unmarshal([]byte(cmp.Or(body, "{}")), &in); err != nil {
		return badRequest("Invalid Request Body")
	}
	if in.NotificationURL != nil && *in.NotificationURL != one.NotificationURL || in.Resource != nil && *in.Resource != one.Resource {
		return &apiError{status: http.StatusBadRequest, code: "BadRequest_InvalidOperation", message: "Control 'notificationUrl' is read-only"}
	}
	if err := s.ifMatch(r, one); err != nil {
		return err
	}
	if err := s.handshake(r.Context(), one.NotificationURL); err != nil {
		return err
	}
	s.mu.Lock()
	s.version++
	one.version, one.Modified = s.version, s.now()
	one.Expires = one.Modified.Add(s.cfg.SubscriptionLifetime)
	if in.ClientState != nil {
		one.ClientState = *in.ClientState
	}
	s.mu.Unlock()
	s.writeSubscription(w, r, one, http.StatusOK)
	return nil
}

func (s *Simulator) unsubscribe(w http.ResponseWriter, r *http.Request, one *Subscription) *apiError {
	if err := s.ifMatch(r, one); err != nil {
		return err
	}
	s.mu.Lock()
	s.drop(one)
	s.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// drop removes a subscription with its notifications. The caller holds the lock.
func (s *Simulator) drop(gone *Subscription) {
	s.webhooks.subscriptions = slices.DeleteFunc(s.webhooks.subscriptions, func(one *Subscription) bool { return one == gone })
}

func (s *Simulator) ifMatch(r *http.Request, one *Subscription) *apiError {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch given := r.Header.Get("If-Match"); given {
	case "*", one.etag():
		return nil
	case "":
		return &apiError{status: http.StatusBadRequest, code: "BadRequest_InvalidToken", message: "The concurrency token is missing."}
	}
	return &apiError{status: http.StatusConflict, code: "Request_EntityChanged", message: "Another user has already changed the record."}
}

// handshake asks the subscriber to echo a token within 5 s (business-central.md 8.3).
func (s *Simulator) handshake(ctx context.Context, notificationURL string) *apiError {
	refused := func(why string) *apiError {
		return badRequest("The subscription validation request failed. The notification URL must answer with the validation token: %s", why)
	}
	address, err := url.Parse(notificationURL)
	if err != nil || address.Scheme != "https" && !loopback(address) {
		return refused("it is not an https address.")
	}
	token := rand.Text() + "==/+"
	parameter := "validationToken=" + url.QueryEscape(token)
	if address.RawQuery != "" {
		parameter = address.RawQuery + "&" + parameter
	}
	address.RawQuery = parameter
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	method := http.MethodPost
	if s.cfg.Assumptions.HandshakeByGET {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, method, address.String(), nil)
	if err != nil {
		return refused("it cannot be called.")
	}
	response, err := s.cfg.NotificationClient.Do(request)
	if err != nil {
		return refused("no answer in time.")
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil || response.StatusCode != http.StatusOK || string(body) != token {
		return refused(fmt.Sprintf("it answered %d with another body or status.", response.StatusCode))
	}
	return nil
}

// loopback allows plain http for the sandbox.
func loopback(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || u.Hostname() == "host.docker.internal" || err == nil && ip.IsLoopback()
}
