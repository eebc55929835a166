package lab

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// hostFlags are the namespaces that every host has of its own; the lab has them too. With Spec.HostNetwork both do
// without the last.
const hostFlags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET

func flags(hostNetwork bool) uintptr {
	if hostNetwork {
		return hostFlags &^ syscall.CLONE_NEWNET
	}
	return hostFlags
}

// namespaces are the attributes that start the lab's init: with a user namespace where the others need one.
func namespaces(hostNetwork bool) *syscall.SysProcAttr {
	if privileged() {
		return &syscall.SysProcAttr{Cloneflags: flags(hostNetwork)}
	}
	return &syscall.SysProcAttr{
		Cloneflags:  flags(hostNetwork) | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		// Without a privilege outside, a group may be mapped only once setgroups is denied.
		GidMappingsEnableSetgroups: false,
	}
}

// privileged reports whether namespaces and their network may be made without a user namespace. Being uid 0 is not
// the test: in a container uid 0 often lacks these capabilities, and a service may have them under another uid.
func privileged() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	has := func(capability int) bool { return data[capability/32].Effective&(1<<(capability%32)) != 0 }
	return has(unix.CAP_SYS_ADMIN) && has(unix.CAP_NET_ADMIN)
}
