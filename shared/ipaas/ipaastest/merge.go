package ipaastest

import (
	"slices"
	"strings"
)

// upsertFields sets custom fields by name.
func (s *Simulator) upsertFields(to *[]CustomField, from []CustomField) {
	for _, f := range from {
		i := slices.IndexFunc(*to, func(have CustomField) bool { return have.Name == f.Name })
		if i >= 0 {
			(*to)[i].Value = f.Value
			continue
		}
		*to = append(*to, CustomField{ID: s.nextRow(), Name: f.Name, Value: f.Value})
	}
}

// mergeAddresses brings the addresses of a body into the customer: one that is
// there by its id or external id is updated; with prevent_duplicate, one that is
// there in every value is left as it is; any other is appended (ipaas.md 14,
// no. 2 and 22).
func (s *Simulator) mergeAddresses(c *Customer, body change, links *linkChanges) {
	before := c.Addresses
	if body.sentAddress && s.cfg.Switches.ReplaceArrays {
		c.Addresses = nil
	}
	for _, a := range body.addresses {
		if i := s.addressInPlace(before, a); i >= 0 {
			address := before[i]
			s.changeAddress(&address, a)
			setAddress(c, address)
			links.add(TableAddress, address.ID, a.links)
			continue
		}
		var address Address
		s.changeAddress(&address, a)
		if a.preventDuplicate && s.cfg.Switches.PreventDuplicate == PreventDuplicateHonoured {
			same := func(have Address) bool { return have.Fields == address.Fields }
			all := slices.Concat(before, c.Addresses) // of the record, and of this body so far
			if i := slices.IndexFunc(all, same); i >= 0 {
				setAddress(c, all[i])
				s.adopt(all[i].ID, a.links, links)
				continue
			}
		}
		address.ID = s.addressID(c.ID)
		c.Addresses = append(c.Addresses, address)
		links.add(TableAddress, address.ID, a.links)
	}
}

// adopt gives an address that was found by its values the external ids that it
// lacks. One that it has stays.
func (s *Simulator) adopt(addressID string, offered []ExternalID, links *linkChanges) {
	for _, l := range offered {
		if _, has := s.linked[record{l.SystemID, s.fold(TableAddress), addressID}]; !has {
			links.add(TableAddress, addressID, []ExternalID{l})
		}
	}
}

func (s *Simulator) addressInPlace(have []Address, a addressChange) int {
	return slices.IndexFunc(have, func(h Address) bool {
		if a.id != "" {
			return h.ID == a.id
		}
		return slices.ContainsFunc(a.links, func(l ExternalID) bool {
			return s.links[link{l.SystemID, s.fold(TableAddress), l.ExternalID}] == h.ID
		})
	})
}

func (s *Simulator) changeAddress(to *Address, a addressChange) {
	for _, set := range a.fields {
		set(&to.Fields)
	}
	to.CustomFields = slices.Clone(to.CustomFields)
	s.upsertFields(&to.CustomFields, a.customFields)
}

func setAddress(c *Customer, a Address) {
	i := slices.IndexFunc(c.Addresses, func(have Address) bool { return have.ID == a.ID })
	if i < 0 {
		c.Addresses = append(c.Addresses, a)
		return
	}
	c.Addresses[i] = a
}

// addressID makes an opaque id (ipaas.md 6.3; 14, no. 4).
func (s *Simulator) addressID(customer int64) string {
	if s.cfg.Switches.NumberAddress {
		return s.nextRow()
	}
	return idText(customer) + "ZZ_BAR_ZZ" + s.nextRow()
}

// linkChanges are the external ids that one call sets: checked together, then
// stored together.
type linkChanges struct {
	sim  *Simulator
	want []wantedLink
}

type wantedLink struct {
	link
	table    string // its name, for messages
	internal string
}

func (lc *linkChanges) add(table, internal string, links []ExternalID) {
	for _, l := range links {
		lc.want = append(lc.want, wantedLink{link{l.SystemID, lc.sim.fold(table), l.ExternalID}, table, internal})
	}
}

// check enforces that external ids are unique per system and table (ipaas.md 7).
// A link to a deleted record is free.
func (lc *linkChanges) check() *problem {
	s := lc.sim
	for i, w := range lc.want {
		for _, other := range lc.want[:i] {
			if other.link == w.link && other.internal != w.internal || other.system == w.system && other.link.table == w.link.table && other.internal == w.internal {
				return refuse(codeIDTwice, "Duplicate external id found on the %s request. External Ids per system must be unique.", w.table)
			}
		}
		if holder, taken := s.links[w.link]; taken && holder != w.internal && s.alive(w.table, holder) {
			return refuse(codeIDTaken, "External Id must be unique and the provided one (%s) already exists.", w.external)
		}
		before, has := s.linked[record{w.system, w.link.table, w.internal}]
		if has && before != w.external && s.cfg.Switches.KeepOldLink {
			return refuse(codeIDTwice, "Duplicate external id found on the %s request. External Ids per system must be unique.", w.table)
		}
	}
	return nil
}

func (lc *linkChanges) commit() {
	for _, w := range lc.want {
		lc.sim.connect(w.link, w.internal)
	}
}

func looksLikeEmail(email string) bool {
	local, domain, ok := strings.Cut(email, "@")
	return ok && local != "" && domain != "" && !strings.ContainsAny(email, " ,;")
}
