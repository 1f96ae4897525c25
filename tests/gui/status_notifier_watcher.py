#!/usr/bin/python3
"""A StatusNotifierWatcher, as a panel runs one: takes what registers on the session bus of its environment and says who
is there, until it is terminated.

Qt asks for what it knows from Introspect alone, so the properties are declared there: without that no program sees a tray.
"""
import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

WATCHER, PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"
DECLARED = "".join(f'<property name="{name}" type="{kind}" access="read"/>' for name, kind in (
    ("IsStatusNotifierHostRegistered", "b"), ("ProtocolVersion", "i"), ("RegisteredStatusNotifierItems", "as")))


class Watcher(dbus.service.Object):
    def __init__(self, bus):
        super().__init__(bus, PATH)
        self.items = []
        bus.add_signal_receiver(self.owner_changed, "NameOwnerChanged", dbus.BUS_DAEMON_IFACE)

    @dbus.service.method(WATCHER, in_signature="s")
    def RegisterStatusNotifierItem(self, service):
        if service not in self.items:
            self.items.append(service)
            self.StatusNotifierItemRegistered(service)

    @dbus.service.method(WATCHER, in_signature="s")
    def RegisterStatusNotifierHost(self, service):
        self.StatusNotifierHostRegistered()

    @dbus.service.signal(WATCHER, signature="s")
    def StatusNotifierItemRegistered(self, service):
        pass

    @dbus.service.signal(WATCHER, signature="s")
    def StatusNotifierItemUnregistered(self, service):
        pass

    @dbus.service.signal(WATCHER)
    def StatusNotifierHostRegistered(self):
        pass

    def owner_changed(self, name, _, new):
        if not new and name in self.items:
            self.items.remove(name)
            self.StatusNotifierItemUnregistered(name)

    @dbus.service.method(dbus.PROPERTIES_IFACE, in_signature="s", out_signature="a{sv}")
    def GetAll(self, _):
        return {"IsStatusNotifierHostRegistered": dbus.Boolean(True), "ProtocolVersion": dbus.Int32(0),
                "RegisteredStatusNotifierItems": dbus.Array(self.items, "s")}

    @dbus.service.method(dbus.PROPERTIES_IFACE, in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        return self.GetAll(interface)[name]

    @dbus.service.method(dbus.INTROSPECTABLE_IFACE, out_signature="s", path_keyword="object_path",
                         connection_keyword="connection")
    def Introspect(self, object_path, connection):
        text = super().Introspect(object_path, connection)
        return text.replace(f'<interface name="{WATCHER}">', f'<interface name="{WATCHER}">{DECLARED}')


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SessionBus()
    name = dbus.service.BusName(WATCHER, bus)  # kept: it is given back when it is forgotten
    watcher = Watcher(bus)
    GLib.MainLoop().run()
    del watcher, name


if __name__ == "__main__":
    main()
