package memory

// Stats says where a sequence's tokens are.
type Stats struct {
	Tokens   int `json:"tokens"`        // of the sequence
	Resident int `json:"resident"`      // of these, with keys on the device, in layers that see all
	Blocks   int `json:"blocks"`        // that layers look up
	Stored   int `json:"stored_blocks"` // of these, in host memory or its file
	Fetched  int `json:"fetched"`       // times that a block of a layer came back from there
	Dropped  int `json:"dropped"`       // tokens that no query will see again

	HostBytes int64  `json:"host_bytes"`
	FileBytes int64  `json:"file_bytes"`
	Fault     string `json:"fault,omitempty"` // what keeps blocks from the file, so that host memory grows past its limit; "" if nothing
}

// Stats says where the tokens are now.
func (s *Sequence) Stats() Stats {
	st := Stats{Tokens: s.Len()}
	last := s.len - s.held
	if s.held > 0 {
		last += min(s.policy.starting(), s.held)
	}
	st.Resident = last
	st.Dropped = st.Tokens - last
	if s.policy.raws() > s.len { // a copy of every key stays
		st.Dropped = 0
	}
	b := s.blocks
	if b == nil {
		return st
	}
	st.Blocks = b.formed
	if b.cache == nil {
		st.Resident = st.Tokens
		return st
	}
	c := b.cache
	st.Stored, st.Fetched = c.stored, c.fetched
	onDevice := b.formed - c.stored + min(len(c.pages), c.stored)
	st.Resident = st.Tokens - (b.formed-onDevice)*b.BlockSize
	stored := c.store.Stats()
	st.HostBytes, st.FileBytes = stored.HostBytes, stored.FileBytes
	if stored.Fault != nil {
		st.Fault = stored.Fault.Error()
	}
	return st
}
