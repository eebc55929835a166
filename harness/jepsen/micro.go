package jepsen

import "waybill/harness/edn"

// queueKey is the one key of a queue that has none.
var queueKey = edn.Value{Kind: edn.Keyword, Text: "queue"}

// fill takes what an operation did with messages.
func (h *History) fill(op, value edn.Value, o *operation) error {
	switch o.f {
	case "send", "poll", "txn":
		return h.micros(op, value, o)
	case "enqueue":
		if value.Kind == edn.Nil {
			return wrong(op, "an :enqueue without a value")
		}
		return h.send(op, copied{h.message(h.key(queueKey), value), -1}, o)
	case "dequeue":
		if o.kind != invoke && value.Kind != edn.Nil {
			o.reads = append(o.reads, copied{h.message(h.key(queueKey), value), -1})
		}
	case "drain":
		if o.kind == invoke {
			return nil
		}
		for _, v := range value.Items {
			o.reads = append(o.reads, copied{h.message(h.key(queueKey), v), -1})
		}
	case "assign", "subscribe":
		for _, k := range value.Items {
			o.keys = append(o.keys, h.key(k))
		}
		seek, ok := op.Get("seek-to-beginning?")
		o.seeks = ok && seek.Int != 0
	default:
		if o.kind == invoke {
			h.Ignored[o.f]++
		}
	}
	return nil
}

// micros takes [[:send k v] [:poll {k [[offset v] …]}] …].
func (h *History) micros(op, value edn.Value, o *operation) error {
	switch value.Kind {
	case edn.Vector, edn.List:
	case edn.Nil:
		return nil
	default:
		return wrong(value, "%s as the :value of :%s: want a vector of [:send k v] and [:poll …]", value.Kind, o.f)
	}
	if log, ok := op.Get("rebalance-log"); ok {
		for _, change := range log.Items {
			keys, _ := change.Untagged().Get("keys")
			for _, k := range keys.Items {
				o.shaken = append(o.shaken, h.key(k))
			}
		}
	}
	for _, m := range value.Items {
		if len(m.Items) == 0 || m.Items[0].Kind != edn.Keyword {
			return wrong(m, "%s: want [:send k v] or [:poll …]", m)
		}
		var err error
		switch name := m.Items[0].Text; name {
		case "send":
			err = h.microSend(m, o)
		case "poll":
			err = h.microPoll(m, o)
		default:
			err = wrong(m, "a micro-operation :%s: want :send or :poll", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// microSend takes [:send k v] or [:send k [offset v]].
func (h *History) microSend(m edn.Value, o *operation) error {
	if len(m.Items) != 3 {
		return wrong(m, "%s: want [:send k v] or [:send k [offset v]]", m)
	}
	key, v, offset := h.key(m.Items[1]), m.Items[2], int64(-1)
	if v.Kind == edn.Vector {
		var err error
		if v, offset, err = pair(v); err != nil {
			return err
		}
	}
	return h.send(m, copied{h.message(key, v), offset}, o)
}

// send holds that a message is sent once: an invocation and its completion are one.
func (h *History) send(at edn.Value, c copied, o *operation) error {
	if line, twice := h.sent[c.msg]; twice && (o.kind == invoke || line < 0) {
		n := h.messages[c.msg]
		return wrong(at, "value %s is sent to key %s a second time: values must be unique for a key, or nobody can tell a duplicate from another message",
			n.value, h.keys[n.key])
	}
	h.sent[c.msg] = o.line
	if o.kind != invoke {
		h.sent[c.msg] = -o.line
	}
	o.sends = append(o.sends, c)
	return nil
}

// microPoll takes [:poll] or [:poll {k [[offset v] …] …}].
func (h *History) microPoll(m edn.Value, o *operation) error {
	if len(m.Items) == 1 || o.kind == invoke {
		return nil
	}
	polled := m.Items[1]
	if len(m.Items) != 2 || polled.Kind != edn.Map && polled.Kind != edn.Nil {
		return wrong(m, "%s: want [:poll {k [[offset v] …]}]", m)
	}
	for i := 0; i+1 < len(polled.Items); i += 2 {
		key := h.key(polled.Items[i])
		for _, p := range polled.Items[i+1].Items {
			v, offset, err := pair(p)
			if err != nil {
				return err
			}
			o.reads = append(o.reads, copied{h.message(key, v), offset})
		}
	}
	return nil
}

// pair takes [offset v], where the offset may be nil.
func pair(p edn.Value) (v edn.Value, offset int64, err error) {
	if p.Kind != edn.Vector && p.Kind != edn.List || len(p.Items) != 2 {
		return v, 0, wrong(p, "%s: want [offset value]", p)
	}
	offset = -1
	switch o := p.Items[0]; {
	case o.Kind == edn.Int && o.Int >= 0 && o.Int < maxOffset:
		offset = o.Int
	case o.Kind != edn.Nil:
		return v, 0, wrong(o, "the offset %s: want an integer from 0 to %d, or nil", o, int64(maxOffset)-1)
	}
	return p.Items[1], offset, nil
}

// maxOffset leaves room for the shift by one, since 0 is no position in a history of Waybill's.
const maxOffset = 1 << 62
