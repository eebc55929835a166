package nemesis

import (
	"fmt"
	"slices"
)

// Place is where a run takes place, as far as faults depend on it.
type Place struct {
	Brokers bool     // the harness runs the brokers, and can kill and stop them
	Network bool     // the harness made the network, and can cut it
	Disks   string   // why brokers cannot be put on disks that forget; "": they can
	Frames  string   // the protocol of the clients, where its frames are understood; "" is none
	Leaders []string // kinds of leaders that the target can find: "queue", "consumer", "controller"
}

// Available splits faults into those that can be had in a place and those that cannot, with the reason.
func Available(faults []string, p Place) (can []string, refused map[string]string, err error) {
	for _, spec := range faults {
		f, args, err := Find(spec)
		if err != nil {
			return nil, nil, err
		}
		why := ""
		if f.Here != nil {
			why = f.Here(p, args)
		}
		if why == "" {
			can = append(can, spec)
			continue
		}
		if refused == nil {
			refused = map[string]string{}
		}
		refused[spec] = why
	}
	return can, refused, nil
}

// ownBrokers is Fault.Here of what kills or stops brokers.
func ownBrokers(p Place, _ Args) string {
	if !p.Brokers {
		return "the brokers are run by somebody else"
	}
	return ""
}

// ownNetwork is Fault.Here of what cuts links.
func ownNetwork(p Place, _ Args) string {
	if !p.Network {
		return "clients share this machine's network, where the harness cuts nothing"
	}
	return ""
}

// led wants a kind of leader, besides what here wants.
func led(of string, here func(Place, Args) string) func(Place, Args) string {
	return func(p Place, a Args) string {
		if why := here(p, a); why != "" {
			return why
		}
		kind := of
		if chosen, ok := a["of"]; ok {
			kind = chosen
		}
		if !slices.Contains(p.Leaders, kind) {
			return fmt.Sprintf("this product has no leader of the %s that could be found", kind)
		}
		return ""
	}
}
