package checkers

// unavailable: after recovery no sentinel, a message sent for the purpose, was acknowledged and delivered within Limits.Heal; or
// acknowledged messages could not be read at a checkpoint whose drain was proven, and were there at a later one.
const unavailable = "unavailable"
