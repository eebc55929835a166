package bench

// CeilingOf is what the replicates of the phase ceiling say of the harness: messages applied for each second of processor time that the whole
// process took, so that the garbage collector counts. It is nil if there are none.
func CeilingOf(p Plan, rs []Replicate) *Ceiling {
	rates := map[string][]float64{}
	for _, a := range p.Arms {
		if a.Phase != PhaseCeiling {
			continue
		}
		for _, r := range rs {
			if r.Arm == a.Name && r.Failed == "" && r.Block > 0 && r.CPU.Clients > 0 {
				seconds := float64(r.Series.To-r.Series.From) * float64(r.Series.Bin) / 1e6
				rates[a.Mode] = append(rates[a.Mode], r.Goodput*seconds/r.CPU.Clients)
			}
		}
	}
	if len(rates) == 0 {
		return nil
	}
	return &Ceiling{Plain: median(rates[ceilingPlain]), Batched: median(rates[ceilingBatched])}
}

// Modes of the arms of the phase ceiling.
const (
	ceilingPlain   = "plain"
	ceilingBatched = "batched"
)
