<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE" sourcelanguage="en">
<context>
    <name>EventText</name>
    <message>
        <source>lockstepd started</source>
        <translation>lockstepd ist gestartet</translation>
    </message>
    <message>
        <source>lockstepd stops</source>
        <translation>lockstepd endet</translation>
    </message>
    <message>
        <source>added</source>
        <translation>hinzugefügt</translation>
    </message>
    <message>
        <source>removed</source>
        <translation>entfernt</translation>
    </message>
    <message>
        <source>unlocked</source>
        <translation>entsperrt</translation>
    </message>
    <message>
        <source>locked</source>
        <translation>gesperrt</translation>
    </message>
    <message>
        <source>locked: not used for %1</source>
        <translation>gesperrt: nicht benutzt seit %1</translation>
    </message>
    <message>
        <source>locked: the machine goes to sleep</source>
        <translation>gesperrt: der Rechner geht schlafen</translation>
    </message>
    <message>
        <source>not locked yet: %1</source>
        <translation>noch nicht gesperrt: %1</translation>
    </message>
    <message>
        <source>mounted at %1</source>
        <translation>eingehängt in %1</translation>
    </message>
    <message>
        <source>unmounted from %1 by somebody else</source>
        <translation>von jemand anderem aus %1 ausgehängt</translation>
    </message>
    <message>
        <source>unmounted from %1</source>
        <translation>ausgehängt aus %1</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>pausiert</translation>
    </message>
    <message>
        <source>resumed</source>
        <translation>fortgesetzt</translation>
    </message>
    <message>
        <source>the network is metered</source>
        <translation>das Netz ist getaktet</translation>
    </message>
    <message>
        <source>the network is not metered any more</source>
        <translation>das Netz ist nicht mehr getaktet</translation>
    </message>
    <message>
        <source>a mirror in %1</source>
        <translation>ein Spiegel in %1</translation>
    </message>
    <message>
        <source>no mirror in %1 any more</source>
        <translation>kein Spiegel mehr in %1</translation>
    </message>
    <message>
        <source>the mirror in %1 does not run: %2</source>
        <translation>der Spiegel in %1 läuft nicht: %2</translation>
    </message>
    <message>
        <source>%1: %2 deletes wait for `lockstep brake release`</source>
        <translation>%1: %2 Löschungen warten auf »lockstep brake release«</translation>
    </message>
    <message>
        <source>%1 files were rewritten to noise on this device within ten minutes, as ransomware does: nothing is published (lockstep brake show)</source>
        <translation>%1 Dateien wurden auf diesem Gerät binnen zehn Minuten zu Rauschen überschrieben, wie Erpressersoftware es tut: nichts wird veröffentlicht (lockstep brake show)</translation>
    </message>
    <message>
        <source>%1 rewrote %2 files to noise within ten minutes, as ransomware does: what it writes is not applied here (lockstep brake show)</source>
        <translation>%1 hat %2 Dateien binnen zehn Minuten zu Rauschen überschrieben, wie Erpressersoftware es tut: was es schreibt, wird hier nicht übernommen (lockstep brake show)</translation>
    </message>
    <message>
        <source>a passphrase was added</source>
        <translation>eine Passphrase kam hinzu</translation>
    </message>
    <message>
        <source>a passphrase was removed</source>
        <translation>eine Passphrase wurde entfernt</translation>
    </message>
    <message>
        <source>the passphrase was changed</source>
        <translation>die Passphrase wurde geändert</translation>
    </message>
    <message>
        <source>it has a new recovery code; the old one opens it no more</source>
        <translation>er hat einen neuen Wiederherstellungscode; der alte öffnet ihn nicht mehr</translation>
    </message>
    <message>
        <source>its keys were changed</source>
        <translation>seine Schlüssel wurden gewechselt</translation>
    </message>
    <message>
        <source>waiting for a device</source>
        <translation>wartet auf ein Gerät</translation>
    </message>
    <message>
        <source>%1 asks to be admitted; digits %2</source>
        <translation>%1 bittet um Aufnahme; Ziffern %2</translation>
    </message>
    <message>
        <source>%1 is asked to approve; digits %2</source>
        <translation>%1 wird um Zustimmung gebeten; Ziffern %2</translation>
    </message>
    <message>
        <source>accepted</source>
        <translation>angenommen</translation>
    </message>
    <message>
        <source>rejected</source>
        <translation>abgelehnt</translation>
    </message>
    <message>
        <source>admitted</source>
        <translation>aufgenommen</translation>
    </message>
    <message>
        <source>joined</source>
        <translation>beigetreten</translation>
    </message>
    <message>
        <source>ended: %1</source>
        <translation>beendet: %1</translation>
    </message>
    <message>
        <source>the alternative limits count</source>
        <translation>die alternativen Grenzen gelten</translation>
    </message>
    <message>
        <source>the usual limits count</source>
        <translation>die üblichen Grenzen gelten</translation>
    </message>
    <message>
        <source>renamed to %1</source>
        <translation>umbenannt in %1</translation>
    </message>
    <message>
        <source>%1 was removed</source>
        <translation>%1 wurde entfernt</translation>
    </message>
    <message>
        <source>%1 was retired</source>
        <translation>%1 wurde außer Dienst gestellt</translation>
    </message>
    <message>
        <source>%1 is %2 now</source>
        <translation>%1 ist jetzt %2</translation>
    </message>
    <message>
        <source>%1 changed</source>
        <translation>%1 geändert</translation>
    </message>
</context>
<context>
    <name>NewsText</name>
    <message>
        <source>%1: something needs you</source>
        <translation>%1: etwas braucht Sie</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>Anzeigen</translation>
    </message>
    <message>
        <source>%1: a mass of changes is held</source>
        <translation>%1: Eine Menge von Änderungen wird zurückgehalten</translation>
    </message>
    <message>
        <source>Review</source>
        <translation>Ansehen</translation>
    </message>
    <message numerus="yes">
        <source>%1: %n conflict(s)</source>
        <translation>
            <numerusform>%1: %n Konflikt</numerusform>
            <numerusform>%1: %n Konflikte</numerusform>
        </translation>
    </message>
    <message>
        <source>Two devices have changed the same file. Both versions are kept until you choose.</source>
        <translation>Zwei Geräte haben dieselbe Datei geändert. Beide Fassungen bleiben, bis Sie wählen.</translation>
    </message>
    <message>
        <source>Resolve</source>
        <translation>Auflösen</translation>
    </message>
    <message>
        <source>%1 is complete</source>
        <translation>%1 ist vollständig</translation>
    </message>
    <message>
        <source>All of its content is on this device.</source>
        <translation>Der ganze Inhalt ist auf diesem Gerät.</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>%1 asks to join %2</source>
        <translation>%1 möchte %2 beitreten</translation>
    </message>
    <message>
        <source>It must show these digits: %1</source>
        <translation>Es muss diese Ziffern zeigen: %1</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>Antworten</translation>
    </message>
    <message>
        <source>%1 is locked</source>
        <translation>%1 ist gesperrt</translation>
    </message>
    <message>
        <source>Nobody has used it for a while.</source>
        <translation>Niemand hat ihn eine Weile benutzt.</translation>
    </message>
    <message>
        <source>It was locked before this device went to sleep.</source>
        <translation>Er wurde gesperrt, bevor dieses Gerät schlafen ging.</translation>
    </message>
    <message>
        <source>Unlock</source>
        <translation>Entsperren</translation>
    </message>
</context>
<context>
    <name>NoticeText</name>
    <message>
        <source>A device asks to join</source>
        <translation>Ein Gerät möchte beitreten</translation>
    </message>
    <message>
        <source>Two devices have changed the same file</source>
        <translation>Zwei Geräte haben dieselbe Datei geändert</translation>
    </message>
    <message>
        <source>An error needs me</source>
        <translation>Ein Fehler braucht mich</translation>
    </message>
    <message>
        <source>A mass of deletes or rewrites is held</source>
        <translation>Viele Löschungen oder Überschreibungen werden zurückgehalten</translation>
    </message>
    <message>
        <source>A vault is here completely for the first time</source>
        <translation>Ein Tresor ist zum ersten Mal ganz da</translation>
    </message>
    <message>
        <source>A vault is locked by itself</source>
        <translation>Ein Tresor wird von selbst gesperrt</translation>
    </message>
</context>
<context>
    <name>PauseText</name>
    <message>
        <source>For &amp;30 minutes</source>
        <translation>Für &amp;30 Minuten</translation>
    </message>
    <message>
        <source>For &amp;2 hours</source>
        <translation>Für &amp;2 Stunden</translation>
    </message>
    <message>
        <source>Until &amp;tomorrow</source>
        <translation>Bis &amp;morgen</translation>
    </message>
    <message>
        <source>Until &amp;resumed</source>
        <translation>Bis zum &amp;Fortsetzen</translation>
    </message>
    <message>
        <source>Re&amp;sume now</source>
        <translation>&amp;Jetzt fortsetzen</translation>
    </message>
</context>
<context>
    <name>SecretFileText</name>
    <message>
        <source>%1 is there already: choose another name.</source>
        <translation>%1 ist schon da: Wählen Sie einen anderen Namen.</translation>
    </message>
    <message>
        <source>%1 could not be written.</source>
        <translation>%1 ließ sich nicht schreiben.</translation>
    </message>
</context>
<context>
    <name>StrengthText</name>
    <message>
        <source>very weak: guessed at once</source>
        <translation>sehr schwach: sofort erraten</translation>
    </message>
    <message>
        <source>weak: guessed by who has the files and some patience</source>
        <translation>schwach: wer die Dateien und etwas Geduld hat, errät sie</translation>
    </message>
    <message>
        <source>good</source>
        <translation>gut</translation>
    </message>
    <message>
        <source>strong</source>
        <translation>stark</translation>
    </message>
</context>
<context>
    <name>Text</name>
    <message>
        <source>%1/s</source>
        <translation>%1/s</translation>
    </message>
    <message>
        <source>less than a minute left</source>
        <translation>noch weniger als eine Minute</translation>
    </message>
    <message numerus="yes">
        <source>about %n minute(s) left</source>
        <translation>
            <numerusform>noch etwa %n Minute</numerusform>
            <numerusform>noch etwa %n Minuten</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>about %n hour(s) left</source>
        <translation>
            <numerusform>noch etwa %n Stunde</numerusform>
            <numerusform>noch etwa %n Stunden</numerusform>
        </translation>
    </message>
    <message>
        <source>days left</source>
        <translation>noch Tage</translation>
    </message>
    <message>
        <source>never</source>
        <translation>nie</translation>
    </message>
    <message>
        <source>owner</source>
        <translation>Besitzer</translation>
    </message>
    <message>
        <source>writer</source>
        <translation>Schreiber</translation>
    </message>
    <message>
        <source>reader</source>
        <translation>Leser</translation>
    </message>
    <message>
        <source>blind</source>
        <translation>blind</translation>
    </message>
    <message numerus="yes">
        <source>%n minute(s)</source>
        <translation>
            <numerusform>%n Minute</numerusform>
            <numerusform>%n Minuten</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n hour(s)</source>
        <translation>
            <numerusform>%n Stunde</numerusform>
            <numerusform>%n Stunden</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n day(s)</source>
        <translation>
            <numerusform>%n Tag</numerusform>
            <numerusform>%n Tagen</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>VaultText</name>
    <message>
        <source>Missing</source>
        <translation>Fehlt</translation>
    </message>
    <message>
        <source>%1
Connect the disk that it lies on and start the service again, or take the vault off the list; its files stay where they are.</source>
        <translation>%1
Schließen Sie den Datenträger an, auf dem er liegt, und starten Sie den Dienst neu, oder nehmen Sie den Tresor von der Liste; seine Dateien bleiben, wo sie sind.</translation>
    </message>
    <message>
        <source>Error</source>
        <translation>Fehler</translation>
    </message>
    <message>
        <source>The mirror in %1 has stopped: %2</source>
        <translation>Der Spiegel in %1 steht still: %2</translation>
    </message>
    <message>
        <source>Out of sync</source>
        <translation>Nicht im Gleichstand</translation>
    </message>
    <message>
        <source>Disconnected</source>
        <translation>Getrennt</translation>
    </message>
    <message>
        <source>Content is missing here, and no other device can be reached. It goes on by itself when one is.</source>
        <translation>Hier fehlt Inhalt, und kein anderes Gerät ist zu erreichen. Sobald eines da ist, geht es von selbst weiter.</translation>
    </message>
    <message>
        <source>No other device can be reached. What changes here is sent when one is.</source>
        <translation>Kein anderes Gerät ist zu erreichen. Was sich hier ändert, wird gesendet, sobald eines da ist.</translation>
    </message>
    <message>
        <source>Up to date</source>
        <translation>Auf dem neuesten Stand</translation>
    </message>
    <message>
        <source>It is on this device only. Invite another one to have a second copy.</source>
        <translation>Er ist nur auf diesem Gerät. Laden Sie ein weiteres ein, um eine zweite Kopie zu haben.</translation>
    </message>
    <message>
        <source>All connected devices hold the same.</source>
        <translation>Alle verbundenen Geräte haben dasselbe.</translation>
    </message>
    <message>
        <source>Frozen (mass change)</source>
        <translation>Angehalten (Massenänderung)</translation>
    </message>
    <message numerus="yes">
        <source>%n file(s) would be deleted. Nothing is deleted before you agree; everything else goes on.</source>
        <translation>
            <numerusform>%n Datei würde gelöscht. Nichts wird gelöscht, bevor Sie zustimmen; alles andere geht weiter.</numerusform>
            <numerusform>%n Dateien würden gelöscht. Nichts wird gelöscht, bevor Sie zustimmen; alles andere geht weiter.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n conflict(s)</source>
        <translation>
            <numerusform>%n Konflikt</numerusform>
            <numerusform>%n Konflikte</numerusform>
        </translation>
    </message>
    <message>
        <source>Two devices have changed the same file. Both versions are kept until you choose.</source>
        <translation>Zwei Geräte haben dieselbe Datei geändert. Beide Fassungen bleiben, bis Sie wählen.</translation>
    </message>
    <message>
        <source>Locked</source>
        <translation>Gesperrt</translation>
    </message>
    <message>
        <source>Its files cannot be read on this device until it is unlocked. It is kept in step all the same.</source>
        <translation>Seine Dateien sind auf diesem Gerät erst lesbar, wenn er entsperrt ist. Im Gleichstand bleibt er trotzdem.</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>Pausiert</translation>
    </message>
    <message>
        <source>Nothing is sent or received until you resume.</source>
        <translation>Nichts wird gesendet oder empfangen, bis Sie fortsetzen.</translation>
    </message>
    <message>
        <source>Nothing is sent or received until %1.</source>
        <translation>Nichts wird gesendet oder empfangen bis %1.</translation>
    </message>
    <message>
        <source>Scanning</source>
        <translation>Wird durchgesehen</translation>
    </message>
    <message>
        <source>Syncing</source>
        <translation>Gleicht ab</translation>
    </message>
    <message>
        <source>%1 down, %2 up.</source>
        <translation>%1 herunter, %2 hinauf.</translation>
    </message>
    <message numerus="yes">
        <source>%n change(s) wait to be published.</source>
        <translation>
            <numerusform>%n Änderung wartet auf die Veröffentlichung.</numerusform>
            <numerusform>%n Änderungen warten auf die Veröffentlichung.</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 von %2</translation>
    </message>
    <message>
        <source>Something needs your attention</source>
        <translation>Etwas braucht Ihre Aufmerksamkeit</translation>
    </message>
    <message>
        <source>There are conflicts</source>
        <translation>Es gibt Konflikte</translation>
    </message>
    <message>
        <source>A vault is locked</source>
        <translation>Ein Tresor ist gesperrt</translation>
    </message>
    <message>
        <source>No other device can be reached</source>
        <translation>Kein anderes Gerät ist zu erreichen</translation>
    </message>
    <message>
        <source>&amp;Take off the list…</source>
        <translation>Von der &amp;Liste nehmen…</translation>
    </message>
    <message>
        <source>&amp;Mount again</source>
        <translation>Wieder &amp;einhängen</translation>
    </message>
    <message>
        <source>&amp;Check the vault</source>
        <translation>Tresor &amp;prüfen</translation>
    </message>
    <message>
        <source>Resolve &amp;conflicts…</source>
        <translation>&amp;Konflikte auflösen…</translation>
    </message>
    <message>
        <source>&amp;Unlock…</source>
        <translation>&amp;Entsperren…</translation>
    </message>
    <message>
        <source>&amp;Resume</source>
        <translation>&amp;Fortsetzen</translation>
    </message>
    <message>
        <source>&amp;Pause</source>
        <translation>&amp;Pause</translation>
    </message>
    <message>
        <source>&amp;Invite a device…</source>
        <translation>Gerät e&amp;inladen…</translation>
    </message>
    <message>
        <source>Show as a &amp;folder…</source>
        <translation>Als O&amp;rdner zeigen…</translation>
    </message>
    <message>
        <source>&amp;Open folder</source>
        <translation>Ordner ö&amp;ffnen</translation>
    </message>
    <message>
        <source>Holds for others</source>
        <translation>Verwahrt für andere</translation>
    </message>
    <message>
        <source>This device holds its content for others, and cannot read it.</source>
        <translation>Dieses Gerät verwahrt den Inhalt für andere und kann ihn nicht lesen.</translation>
    </message>
    <message>
        <source>%1 have no room here.</source>
        <translation>%1 haben hier keinen Platz.</translation>
    </message>
    <message>
        <source>not connected</source>
        <translation>nicht verbunden</translation>
    </message>
    <message>
        <source>in step</source>
        <translation>im Gleichstand</translation>
    </message>
    <message>
        <source>syncing</source>
        <translation>gleicht ab</translation>
    </message>
    <message>
        <source>no news yet</source>
        <translation>noch keine Nachricht</translation>
    </message>
    <message>
        <source>last news %1 ago</source>
        <translation>letzte Nachricht vor %1</translation>
    </message>
    <message>
        <source>has shown that it holds its copy</source>
        <translation>hat seine Kopie nachgewiesen</translation>
    </message>
    <message>
        <source>could not show its copy</source>
        <translation>konnte seine Kopie nicht nachweisen</translation>
    </message>
    <message>
        <source>%1 (%2): %3</source>
        <translation>%1 (%2): %3</translation>
    </message>
    <message>
        <source>Last news from %1: %2 ago.</source>
        <translation>Letzte Nachricht von %1: vor %2.</translation>
    </message>
    <message>
        <source>&amp;Room for it…</source>
        <translation>&amp;Platz dafür…</translation>
    </message>
    <message>
        <source>%1 rewrote many files to noise, as ransomware does. What it writes is held until you decide whether it goes through or is taken back.</source>
        <translation>%1 hat viele Dateien mit Rauschen überschrieben, wie es Erpressungssoftware tut. Was es schreibt, wird angehalten, bis Sie entscheiden, ob es durchgeht oder zurückgenommen wird.</translation>
    </message>
    <message>
        <source>A mass of changes waits for you</source>
        <translation>Eine Menge von Änderungen wartet auf Sie</translation>
    </message>
    <message>
        <source>&amp;Review what is held…</source>
        <translation>An&amp;gehaltenes ansehen…</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::ActivityModel</name>
    <message>
        <source>vault</source>
        <translation>Tresor</translation>
    </message>
    <message>
        <source>mirror</source>
        <translation>Spiegel</translation>
    </message>
    <message>
        <source>device</source>
        <translation>Gerät</translation>
    </message>
    <message>
        <source>invite</source>
        <translation>Einladung</translation>
    </message>
    <message>
        <source>join</source>
        <translation>Beitritt</translation>
    </message>
    <message>
        <source>setting</source>
        <translation>Einstellung</translation>
    </message>
    <message>
        <source>service</source>
        <translation>Dienst</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <source>Vault</source>
        <translation>Tresor</translation>
    </message>
    <message>
        <source>Kind</source>
        <translation>Art</translation>
    </message>
    <message>
        <source>What happened</source>
        <translation>Was geschah</translation>
    </message>
    <message numerus="yes">
        <source>%n file(s) or folder(s)</source>
        <translation>
            <numerusform>%n Datei oder Ordner</numerusform>
            <numerusform>%n Dateien oder Ordner</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1 and %n more</source>
        <translation>
            <numerusform>%1 und %n weitere</numerusform>
            <numerusform>%1 und %n weitere</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 added %2</source>
        <translation>%1 hat hinzugefügt: %2</translation>
    </message>
    <message>
        <source>%1 deleted %2</source>
        <translation>%1 hat gelöscht: %2</translation>
    </message>
    <message>
        <source>%1 changed %2</source>
        <translation>%1 hat geändert: %2</translation>
    </message>
    <message>
        <source>%1 renamed or moved: %2</source>
        <translation>%1 hat umbenannt oder verschoben: %2</translation>
    </message>
    <message>
        <source>%1 changed attributes of %2</source>
        <translation>%1 hat Attribute geändert: %2</translation>
    </message>
    <message>
        <source>files</source>
        <translation>Dateien</translation>
    </message>
    <message>
        <source>new files</source>
        <translation>neue Dateien</translation>
    </message>
    <message>
        <source>deleted files</source>
        <translation>gelöschte Dateien</translation>
    </message>
    <message>
        <source>changed files</source>
        <translation>geänderte Dateien</translation>
    </message>
    <message>
        <source>renamed files</source>
        <translation>umbenannte Dateien</translation>
    </message>
    <message>
        <source>attributes of files</source>
        <translation>Attribute von Dateien</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::ActivityPage</name>
    <message>
        <source>Activity</source>
        <translation>Verlauf</translation>
    </message>
    <message>
        <source>&amp;Open folder</source>
        <translation>Ordner ö&amp;ffnen</translation>
    </message>
    <message>
        <source>Show only this vault</source>
        <translation>Nur diesen Tresor zeigen</translation>
    </message>
    <message>
        <source>Show only this kind</source>
        <translation>Nur diese Art zeigen</translation>
    </message>
    <message>
        <source>All kinds</source>
        <translation>Alle Arten</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>Suchen</translation>
    </message>
    <message>
        <source>All vaults</source>
        <translation>Alle Tresore</translation>
    </message>
    <message>
        <source>&amp;History of the vault</source>
        <translation>&amp;Versionen des Tresors</translation>
    </message>
    <message>
        <source>Show only this device</source>
        <translation>Nur dieses Gerät zeigen</translation>
    </message>
    <message>
        <source>All devices</source>
        <translation>Alle Geräte</translation>
    </message>
    <message>
        <source>Files that &amp;changed…</source>
        <translation>Geänderte &amp;Dateien…</translation>
    </message>
    <message>
        <source>Within a day, with the history of each file</source>
        <translation>Innerhalb eines Tages, mit den Versionen jeder Datei</translation>
    </message>
    <message>
        <source>Files that this is about</source>
        <translation>Dateien, um die es geht</translation>
    </message>
    <message>
        <source>History of this &amp;file</source>
        <translation>Ve&amp;rsionen dieser Datei</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::Application</name>
    <message>
        <source>Quit Lockstep</source>
        <translation>Lockstep beenden</translation>
    </message>
    <message>
        <source>Shall your vaults be kept in step all the same?</source>
        <translation>Sollen Ihre Tresore trotzdem im Gleichstand bleiben?</translation>
    </message>
    <message>
        <source>The service can go on without this app. When it ends, vaults are locked and their folders are empty until it starts again.</source>
        <translation>Der Dienst kann ohne diese App weiterlaufen. Endet er, sind die Tresore gesperrt und ihre Ordner leer, bis er wieder startet.</translation>
    </message>
    <message>
        <source>&amp;Go on syncing</source>
        <translation>&amp;Weiter abgleichen</translation>
    </message>
    <message>
        <source>&amp;Stop the service, too</source>
        <translation>&amp;Dienst auch beenden</translation>
    </message>
    <message>
        <source>This is in no vault that is unlocked here.</source>
        <translation>Das liegt in keinem Tresor, der hier entsperrt ist.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::ChoicePage</name>
    <message>
        <source>Make a &amp;new vault</source>
        <translation>&amp;Neuen Tresor anlegen</translation>
    </message>
    <message>
        <source>&amp;Join a vault that another device has</source>
        <translation>Einem Tresor eines anderen Geräts &amp;beitreten</translation>
    </message>
    <message>
        <source>Vault</source>
        <translation>Tresor</translation>
    </message>
    <message>
        <source>A vault is an encrypted folder that several devices keep.</source>
        <translation>Ein Tresor ist ein verschlüsselter Ordner, den mehrere Geräte halten.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::Commands</name>
    <message>
        <source>The vault could not be locked.</source>
        <translation>Der Tresor ließ sich nicht sperren.</translation>
    </message>
    <message>
        <source>Files are open</source>
        <translation>Dateien sind geöffnet</translation>
    </message>
    <message>
        <source>Programs still use files of the vault:

%1

What they have not saved yet would be lost to them.</source>
        <translation>Programme benutzen noch Dateien des Tresors:

%1

Was sie noch nicht gespeichert haben, wäre für sie verloren.</translation>
    </message>
    <message>
        <source>&amp;Lock anyway</source>
        <translation>Trotzdem &amp;sperren</translation>
    </message>
    <message>
        <source>Syncing could not be paused.</source>
        <translation>Der Abgleich ließ sich nicht pausieren.</translation>
    </message>
    <message>
        <source>Syncing could not be resumed.</source>
        <translation>Der Abgleich ließ sich nicht fortsetzen.</translation>
    </message>
    <message>
        <source>No program to show folders was found.</source>
        <translation>Kein Programm zum Zeigen von Ordnern gefunden.</translation>
    </message>
    <message>
        <source>An empty folder to show the vault in</source>
        <translation>Ein leerer Ordner, in dem der Tresor zu sehen ist</translation>
    </message>
    <message>
        <source>The vault could not be shown there.</source>
        <translation>Der Tresor lässt sich dort nicht zeigen.</translation>
    </message>
    <message>
        <source>The folder could not be taken away.</source>
        <translation>Der Ordner ließ sich nicht entfernen.</translation>
    </message>
    <message>
        <source>The vault could not be mounted.</source>
        <translation>Der Tresor ließ sich nicht einhängen.</translation>
    </message>
    <message>
        <source>The vault could not be checked.</source>
        <translation>Der Tresor ließ sich nicht prüfen.</translation>
    </message>
    <message>
        <source>Verified: %1 packs, %2 segments, %3 files.</source>
        <translation>Geprüft: %1 Pakete, %2 Segmente, %3 Dateien.</translation>
    </message>
    <message>
        <source>No damage was found.</source>
        <translation>Kein Schaden gefunden.</translation>
    </message>
    <message>
        <source>Check</source>
        <translation>Prüfung</translation>
    </message>
    <message>
        <source>Take %1 off the list?</source>
        <translation>%1 von der Liste nehmen?</translation>
    </message>
    <message>
        <source>This device does not keep the vault in step any more. Its files stay, encrypted, in %1, and the vault can be opened from there again.</source>
        <translation>Dieses Gerät hält den Tresor nicht mehr im Gleichstand. Seine Dateien bleiben verschlüsselt in %1, und er lässt sich von dort wieder öffnen.</translation>
    </message>
    <message>
        <source>&amp;Take off the list</source>
        <translation>Von der &amp;Liste nehmen</translation>
    </message>
    <message>
        <source>The vault could not be taken off the list.</source>
        <translation>Der Tresor ließ sich nicht von der Liste nehmen.</translation>
    </message>
    <message>
        <source>Mirror %1: %2 files would be deleted in the folder, %3 in the vault, among them:</source>
        <translation>Spiegel %1: %2 Dateien würden im Ordner gelöscht, %3 im Tresor, darunter:</translation>
    </message>
    <message>
        <source>If that is not what you want, put the files back where they are missing: what is there again is not deleted.</source>
        <translation>Wollen Sie das nicht, legen Sie die Dateien wieder dorthin, wo sie fehlen: Was wieder da ist, wird nicht gelöscht.</translation>
    </message>
    <message>
        <source>Delete these files?</source>
        <translation>Diese Dateien löschen?</translation>
    </message>
    <message>
        <source>&amp;Delete them</source>
        <translation>&amp;Löschen</translation>
    </message>
    <message>
        <source>The deletes could not be released.</source>
        <translation>Die Löschungen ließen sich nicht freigeben.</translation>
    </message>
    <message>
        <source>Rename this device</source>
        <translation>Gerät umbenennen</translation>
    </message>
    <message>
        <source>&amp;Name of this device, as others see it:</source>
        <translation>&amp;Name dieses Geräts, wie andere ihn sehen:</translation>
    </message>
    <message>
        <source>The device could not be renamed.</source>
        <translation>Das Gerät ließ sich nicht umbenennen.</translation>
    </message>
    <message>
        <source>Remove %1 from %2?</source>
        <translation>%1 aus %2 entfernen?</translation>
    </message>
    <message>
        <source>• It is a member no longer, and gets nothing any more.
• What is written from now on it cannot read.
• What it already has it keeps: nothing can take that back.
• What it wrote that no other device has seen yet is kept aside, and can be taken over.

If the passphrase may be known to others too, make a new vault and move the files there.</source>
        <translation>• Es ist kein Mitglied mehr und bekommt nichts mehr.
• Was ab jetzt geschrieben wird, kann es nicht lesen.
• Was es schon hat, behält es: Nichts kann das zurückholen.
• Was es schrieb und noch kein anderes Gerät gesehen hat, wird beiseitegelegt und lässt sich übernehmen.

Kennen womöglich auch andere die Passphrase, legen Sie einen neuen Tresor an und ziehen Sie dorthin um.</translation>
    </message>
    <message>
        <source>&amp;Remove the device</source>
        <translation>Gerät &amp;entfernen</translation>
    </message>
    <message>
        <source>The device could not be removed.</source>
        <translation>Das Gerät ließ sich nicht entfernen.</translation>
    </message>
    <message>
        <source>Stop waiting for %1?</source>
        <translation>Nicht mehr auf %1 warten?</translation>
    </message>
    <message>
        <source>It stays a member, but others do not wait for it any more before they free space. Do this for a device that is lost or not used.</source>
        <translation>Es bleibt Mitglied, aber die anderen warten nicht mehr auf es, bevor sie Platz freigeben. Für ein Gerät, das verloren ist oder nicht mehr benutzt wird.</translation>
    </message>
    <message>
        <source>&amp;Stop waiting</source>
        <translation>&amp;Nicht mehr warten</translation>
    </message>
    <message>
        <source>The device could not be retired.</source>
        <translation>Das Gerät ließ sich nicht zur Ruhe setzen.</translation>
    </message>
    <message>
        <source>Take over what %1 wrote?</source>
        <translation>Übernehmen, was %1 schrieb?</translation>
    </message>
    <message>
        <source>What it wrote after it was removed is published as this device&apos;s own.</source>
        <translation>Was es nach seiner Entfernung schrieb, wird als Eigenes dieses Geräts veröffentlicht.</translation>
    </message>
    <message>
        <source>&amp;Take over</source>
        <translation>&amp;Übernehmen</translation>
    </message>
    <message>
        <source>It could not be taken over.</source>
        <translation>Es ließ sich nicht übernehmen.</translation>
    </message>
    <message>
        <source>Lockstep</source>
        <translation>Lockstep</translation>
    </message>
    <message>
        <source>The vault cannot be unlocked by itself.</source>
        <translation>Der Tresor lässt sich nicht von selbst entsperren.</translation>
    </message>
    <message>
        <source>That could not be set.</source>
        <translation>Das ließ sich nicht einstellen.</translation>
    </message>
    <message>
        <source>It may change files, and decide who is a member.</source>
        <translation>Es darf Dateien ändern und entscheiden, wer Mitglied ist.</translation>
    </message>
    <message>
        <source>It may change files. It does not decide who is a member.</source>
        <translation>Es darf Dateien ändern. Es entscheidet nicht, wer Mitglied ist.</translation>
    </message>
    <message>
        <source>It sees everything and changes nothing. What it has written and nobody has seen yet is kept aside.</source>
        <translation>Es sieht alles und ändert nichts. Was es geschrieben und noch niemand gesehen hat, wird beiseitegelegt.</translation>
    </message>
    <message>
        <source>Make %1 %2 of %3?</source>
        <translation>%1 bei %3 zu „%2“ machen?</translation>
    </message>
    <message>
        <source>&amp;Change the role</source>
        <translation>Rolle &amp;ändern</translation>
    </message>
    <message>
        <source>The role could not be changed.</source>
        <translation>Die Rolle ließ sich nicht ändern.</translation>
    </message>
    <message>
        <source>The limits cannot be switched.</source>
        <translation>Die Grenzen lassen sich nicht umschalten.</translation>
    </message>
    <message>
        <source>Room for %1</source>
        <translation>Platz für %1</translation>
    </message>
    <message>
        <source>GiB that this device gives to it (0: as much as it needs).
What is here and does not fit goes when other devices keep it:</source>
        <translation>GiB, die dieses Gerät dafür gibt (0: so viel wie nötig).
Was hier ist und nicht passt, geht, sobald andere Geräte es behalten:</translation>
    </message>
    <message>
        <source>The room cannot be changed.</source>
        <translation>Der Platz lässt sich nicht ändern.</translation>
    </message>
    <message>
        <source>%1 has rewritten %2 files since %3, among them:</source>
        <translation>%1 hat seit %3 %2 Dateien überschrieben, darunter:</translation>
    </message>
    <message>
        <source>Taken back, the files are as they were before, on every device. Let through, they are as that device wrote them; earlier versions stay in the history.</source>
        <translation>Zurückgenommen sind die Dateien auf jedem Gerät wieder so, wie sie vorher waren. Durchgelassen sind sie so, wie jenes Gerät sie schrieb; frühere Fassungen bleiben unter „Versionen“.</translation>
    </message>
    <message>
        <source>A mass of rewrites</source>
        <translation>Eine Menge überschriebener Dateien</translation>
    </message>
    <message>
        <source>Was this meant?</source>
        <translation>War das so gewollt?</translation>
    </message>
    <message>
        <source>&amp;Take it back</source>
        <translation>&amp;Zurücknehmen</translation>
    </message>
    <message>
        <source>&amp;Let it through</source>
        <translation>&amp;Durchlassen</translation>
    </message>
    <message>
        <source>It could not be let through.</source>
        <translation>Es konnte nicht durchgelassen werden.</translation>
    </message>
    <message>
        <source>It could not be taken back.</source>
        <translation>Es konnte nicht zurückgenommen werden.</translation>
    </message>
    <message numerus="yes">
        <source>%n change(s) were taken back.</source>
        <translation>
            <numerusform>%n Änderung wurde zurückgenommen.</numerusform>
            <numerusform>%n Änderungen wurden zurückgenommen.</numerusform>
        </translation>
    </message>
    <message>
        <source>The folder is not there.</source>
        <translation>Der Ordner ist nicht da.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::ConflictDialog</name>
    <message>
        <source>%1
from %2
written %3
%4</source>
        <translation>%1
von %2
geschrieben %3
%4</translation>
    </message>
    <message>
        <source>Two versions of %1</source>
        <translation>Zwei Fassungen von %1</translation>
    </message>
    <message>
        <source>This version</source>
        <translation>Diese Fassung</translation>
    </message>
    <message>
        <source>The other version</source>
        <translation>Die andere Fassung</translation>
    </message>
    <message>
        <source>Two devices have changed this file while they were apart. The version that you do not keep goes; keep both to decide later, each under its own name.</source>
        <translation>Zwei Geräte haben diese Datei geändert, während sie getrennt waren. Die Fassung, die Sie nicht behalten, verschwindet; behalten Sie beide, um später zu entscheiden, jede unter eigenem Namen.</translation>
    </message>
    <message>
        <source>Keep &amp;both</source>
        <translation>&amp;Beide behalten</translation>
    </message>
    <message>
        <source>&amp;Open</source>
        <translation>Ö&amp;ffnen</translation>
    </message>
    <message>
        <source>O&amp;pen</source>
        <translation>Öff&amp;nen</translation>
    </message>
    <message>
        <source>Keep &amp;this</source>
        <translation>&amp;Diese behalten</translation>
    </message>
    <message>
        <source>Keep t&amp;he other</source>
        <translation>Die &amp;andere behalten</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::ConflictModel</name>
    <message>
        <source>File</source>
        <translation>Datei</translation>
    </message>
    <message>
        <source>Vault</source>
        <translation>Tresor</translation>
    </message>
    <message>
        <source>Other version from</source>
        <translation>Andere Fassung von</translation>
    </message>
    <message>
        <source>Written</source>
        <translation>Geschrieben</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::ConflictsPage</name>
    <message>
        <source>Conflicts</source>
        <translation>Konflikte</translation>
    </message>
    <message>
        <source>There are no conflicts in unlocked vaults.</source>
        <translation>In entsperrten Tresoren gibt es keine Konflikte.</translation>
    </message>
    <message>
        <source>&amp;Resolve…</source>
        <translation>&amp;Auflösen…</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::DaemonStarter</name>
    <message>
        <source>The program lockstepd is not installed.</source>
        <translation>Das Programm lockstepd ist nicht installiert.</translation>
    </message>
    <message>
        <source>%1 could not be started.</source>
        <translation>%1 ließ sich nicht starten.</translation>
    </message>
    <message>
        <source>The service ended at once.</source>
        <translation>Der Dienst endete sofort.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::DeviceModel</name>
    <message>
        <source>all</source>
        <translation>alle</translation>
    </message>
    <message>
        <source>asks to join: %1</source>
        <translation>möchte beitreten: %1</translation>
    </message>
    <message>
        <source>removed</source>
        <translation>entfernt</translation>
    </message>
    <message>
        <source>this device</source>
        <translation>dieses Gerät</translation>
    </message>
    <message>
        <source>connected</source>
        <translation>verbunden</translation>
    </message>
    <message>
        <source>not connected</source>
        <translation>nicht verbunden</translation>
    </message>
    <message>
        <source>now</source>
        <translation>jetzt</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>Gerät</translation>
    </message>
    <message>
        <source>Vault</source>
        <translation>Tresor</translation>
    </message>
    <message>
        <source>Role</source>
        <translation>Rolle</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Zustand</translation>
    </message>
    <message>
        <source>Last seen</source>
        <translation>Zuletzt gesehen</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::DevicePage</name>
    <message>
        <source>This device</source>
        <translation>Dieses Gerät</translation>
    </message>
    <message>
        <source>Lockstep keeps encrypted folders in step across your own devices. How shall the others call this one?</source>
        <translation>Lockstep hält verschlüsselte Ordner auf Ihren eigenen Geräten im Gleichstand. Wie sollen die anderen dieses nennen?</translation>
    </message>
    <message>
        <source>Name of this device</source>
        <translation>Name dieses Geräts</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::DevicesPage</name>
    <message>
        <source>Devices</source>
        <translation>Geräte</translation>
    </message>
    <message>
        <source>&amp;Rename…</source>
        <translation>&amp;Umbenennen…</translation>
    </message>
    <message>
        <source>Re&amp;move…</source>
        <translation>&amp;Entfernen…</translation>
    </message>
    <message>
        <source>&amp;Stop waiting…</source>
        <translation>&amp;Nicht mehr warten…</translation>
    </message>
    <message>
        <source>&amp;Take over…</source>
        <translation>Ü&amp;bernehmen…</translation>
    </message>
    <message>
        <source>&amp;Answer…</source>
        <translation>&amp;Antworten…</translation>
    </message>
    <message>
        <source>It asks to join %1. Compare the six digits on both screens before you let it in.</source>
        <translation>Es möchte %1 beitreten. Vergleichen Sie die sechs Ziffern auf beiden Bildschirmen, bevor Sie es aufnehmen.</translation>
    </message>
    <message>
        <source>It wrote something after it was removed, which is kept aside.</source>
        <translation>Es schrieb nach seiner Entfernung noch etwas, das beiseitegelegt ist.</translation>
    </message>
    <message>
        <source>This device. Others see its new name in vaults made or joined from then on.</source>
        <translation>Dieses Gerät. Andere sehen einen neuen Namen in Tresoren, die danach angelegt werden oder denen es danach beitritt.</translation>
    </message>
    <message>
        <source>R&amp;ole…</source>
        <translation>R&amp;olle…</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::DigitsPage</name>
    <message>
        <source>Compare</source>
        <translation>Vergleichen</translation>
    </message>
    <message>
        <source>Looking for the other device…</source>
        <translation>Das andere Gerät wird gesucht…</translation>
    </message>
    <message>
        <source>Both devices must show these six digits. Compare them, and let this device in on the other one.</source>
        <translation>Beide Geräte müssen diese sechs Ziffern zeigen. Vergleichen Sie sie und nehmen Sie dieses Gerät auf dem anderen auf.</translation>
    </message>
    <message>
        <source>This device is a member now.</source>
        <translation>Dieses Gerät ist jetzt Mitglied.</translation>
    </message>
    <message>
        <source>The other device has rejected this one.</source>
        <translation>Das andere Gerät hat dieses abgewiesen.</translation>
    </message>
    <message>
        <source>It failed: %1</source>
        <translation>Es ist misslungen: %1</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::DonePage</name>
    <message>
        <source>&amp;Start Lockstep with my session</source>
        <translation>Lockstep mit meiner &amp;Sitzung starten</translation>
    </message>
    <message>
        <source>&amp;Open the folder now</source>
        <translation>Ordner &amp;jetzt öffnen</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>Fertig</translation>
    </message>
    <message>
        <source>The vault %1 is there, but: %2</source>
        <translation>Der Tresor %1 ist da, aber: %2</translation>
    </message>
    <message>
        <source>The vault %1 is there. Its files are in %2.</source>
        <translation>Der Tresor %1 ist da. Seine Dateien sind in %2.</translation>
    </message>
    <message>
        <source>The vault %1 is there.</source>
        <translation>Der Tresor %1 ist da.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::FolderChoice</name>
    <message>
        <source>&amp;Show it as a folder:</source>
        <translation>Als &amp;Ordner zeigen:</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>Ordner</translation>
    </message>
    <message>
        <source>&amp;Browse…</source>
        <translation>Du&amp;rchsuchen…</translation>
    </message>
    <message>
        <source>An empty folder</source>
        <translation>Ein leerer Ordner</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::HistoryPage</name>
    <message>
        <source>&amp;Up</source>
        <translation>&amp;Hinauf</translation>
    </message>
    <message>
        <source>Only what has &amp;changed since then</source>
        <translation>Nur was sich seitdem &amp;geändert hat</translation>
    </message>
    <message>
        <source>The history of a vault shows while it is unlocked.</source>
        <translation>Die Versionen eines Tresors zeigen sich, solange er entsperrt ist.</translation>
    </message>
    <message>
        <source>Vault</source>
        <translation>Tresor</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>Ordner</translation>
    </message>
    <message>
        <source>all of the vault</source>
        <translation>der ganze Tresor</translation>
    </message>
    <message>
        <source>Time, from 30 days ago until now</source>
        <translation>Zeit, von vor 30 Tagen bis jetzt</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <source>&amp;Now</source>
        <translation>&amp;Jetzt</translation>
    </message>
    <message>
        <source>Files then</source>
        <translation>Dateien von damals</translation>
    </message>
    <message>
        <source>Versions of the file</source>
        <translation>Versionen der Datei</translation>
    </message>
    <message>
        <source>&amp;Look at it</source>
        <translation>An&amp;sehen</translation>
    </message>
    <message>
        <source>&amp;Restore</source>
        <translation>&amp;Wiederherstellen</translation>
    </message>
    <message>
        <source>&amp;Save elsewhere…</source>
        <translation>&amp;Anderswo sichern…</translation>
    </message>
    <message>
        <source>Nothing has changed since then.</source>
        <translation>Seitdem hat sich nichts geändert.</translation>
    </message>
    <message>
        <source>Restoring…</source>
        <translation>Wird wiederhergestellt…</translation>
    </message>
    <message>
        <source>Restored %1: %2 files, %3 folders; %4 were so already.</source>
        <translation>%1 wiederhergestellt: %2 Dateien, %3 Ordner; %4 waren schon so.</translation>
    </message>
    <message>
        <source>A folder of this device to save it in</source>
        <translation>Ein Ordner dieses Geräts, in dem gesichert wird</translation>
    </message>
    <message>
        <source>Saving…</source>
        <translation>Wird gesichert…</translation>
    </message>
    <message>
        <source>Saved: %1 files, %2 folders.</source>
        <translation>Gesichert: %1 Dateien, %2 Ordner.</translation>
    </message>
    <message>
        <source>%1 links and the like were left out.</source>
        <translation>%1 Verknüpfungen und Ähnliches wurden ausgelassen.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::IgnoreDialog</name>
    <message>
        <source>What is ignored in %1</source>
        <translation>Was in %1 ignoriert wird</translation>
    </message>
    <message>
        <source>One pattern a line; the first that fits decides. *.o fits anywhere, /build in the folder itself, docs/ what is in it; !keep.o is not ignored after all; // begins a comment.</source>
        <translation>Ein Muster je Zeile; das erste passende entscheidet. *.o passt überall, /build im Ordner selbst, docs/ auf das, was darin ist; !keep.o wird doch nicht ignoriert; // beginnt eine Bemerkung.</translation>
    </message>
    <message>
        <source>Ignore rules</source>
        <translation>Regeln, was ignoriert wird</translation>
    </message>
    <message>
        <source>Path of a file in the folder</source>
        <translation>Pfad einer Datei im Ordner</translation>
    </message>
    <message>
        <source>Is it &amp;ignored?</source>
        <translation>Wird sie &amp;ignoriert?</translation>
    </message>
    <message>
        <source>By the rules as they are saved.</source>
        <translation>Nach den Regeln, wie sie gespeichert sind.</translation>
    </message>
    <message>
        <source>Saved.</source>
        <translation>Gespeichert.</translation>
    </message>
    <message>
        <source>It is not ignored.</source>
        <translation>Sie wird nicht ignoriert.</translation>
    </message>
    <message>
        <source>It is ignored, by the rule: %1</source>
        <translation>Sie wird ignoriert, nach der Regel: %1</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::InviteDialog</name>
    <message>
        <source>Invite a device</source>
        <translation>Gerät einladen</translation>
    </message>
    <message>
        <source>Invite a device to %1</source>
        <translation>Gerät zu %1 einladen</translation>
    </message>
    <message>
        <source>Writer: reads and changes files</source>
        <translation>Schreiber: liest und ändert Dateien</translation>
    </message>
    <message>
        <source>Reader: reads files</source>
        <translation>Leser: liest Dateien</translation>
    </message>
    <message>
        <source>Owner: also invites and removes devices</source>
        <translation>Besitzer: lädt auch Geräte ein und entfernt sie</translation>
    </message>
    <message>
        <source>Role</source>
        <translation>Rolle</translation>
    </message>
    <message>
        <source>1 hour</source>
        <translation>1 Stunde</translation>
    </message>
    <message>
        <source>1 day</source>
        <translation>1 Tag</translation>
    </message>
    <message>
        <source>7 days</source>
        <translation>7 Tage</translation>
    </message>
    <message>
        <source>Valid for</source>
        <translation>Gültig für</translation>
    </message>
    <message>
        <source>&amp;Make the link</source>
        <translation>&amp;Link erzeugen</translation>
    </message>
    <message>
        <source>&amp;Role:</source>
        <translation>&amp;Rolle:</translation>
    </message>
    <message>
        <source>&amp;Valid for:</source>
        <translation>&amp;Gültig für:</translation>
    </message>
    <message>
        <source>Who has the link can ask to join. You decide here, when both devices show the same six digits.</source>
        <translation>Wer den Link hat, kann um Aufnahme bitten. Sie entscheiden hier, wenn beide Geräte dieselben sechs Ziffern zeigen.</translation>
    </message>
    <message>
        <source>Link</source>
        <translation>Link</translation>
    </message>
    <message>
        <source>&amp;Copy the link</source>
        <translation>Link &amp;kopieren</translation>
    </message>
    <message>
        <source>On the other device choose &quot;Join a vault&quot; and scan or paste this. Pass it on where nobody else reads it.</source>
        <translation>Wählen Sie auf dem anderen Gerät „Einem Tresor beitreten“ und scannen oder fügen Sie dies ein. Geben Sie es weiter, wo niemand sonst mitliest.</translation>
    </message>
    <message>
        <source>They are the &amp;same: let it in</source>
        <translation>Sie sind &amp;gleich: aufnehmen</translation>
    </message>
    <message>
        <source>They &amp;differ: reject it</source>
        <translation>Sie sind &amp;verschieden: abweisen</translation>
    </message>
    <message>
        <source>%1 asks to join %2 as %3. Does it show the same digits?</source>
        <translation>%1 möchte %2 als %3 beitreten. Zeigt es dieselben Ziffern?</translation>
    </message>
    <message>
        <source>Letting it in…</source>
        <translation>Wird aufgenommen…</translation>
    </message>
    <message>
        <source>%1 is a member of %2 now.</source>
        <translation>%1 ist jetzt Mitglied von %2.</translation>
    </message>
    <message>
        <source>The link has expired.</source>
        <translation>Der Link ist abgelaufen.</translation>
    </message>
    <message>
        <source>It failed: %1</source>
        <translation>Es ist misslungen: %1</translation>
    </message>
    <message>
        <source>Waiting for the other device. The link is valid for %1.</source>
        <translation>Wartet auf das andere Gerät. Der Link gilt noch %1.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::JoinPage</name>
    <message>
        <source>Join a vault</source>
        <translation>Einem Tresor beitreten</translation>
    </message>
    <message>
        <source>Paste or type the link that the other device shows under &quot;Invite&quot;.</source>
        <translation>Fügen oder tippen Sie den Link ein, den das andere Gerät unter „Einladen“ zeigt.</translation>
    </message>
    <message>
        <source>Link</source>
        <translation>Link</translation>
    </message>
    <message>
        <source>&amp;Join</source>
        <translation>&amp;Beitreten</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::LogDialog</name>
    <message>
        <source>Log of the service</source>
        <translation>Protokoll des Dienstes</translation>
    </message>
    <message>
        <source>The last 1000 lines, the newest below. They may name vaults and folders.</source>
        <translation>Die letzten 1000 Zeilen, die neueste unten. Sie können Tresore und Ordner nennen.</translation>
    </message>
    <message>
        <source>Lines of the log</source>
        <translation>Zeilen des Protokolls</translation>
    </message>
    <message>
        <source>&amp;Read again</source>
        <translation>&amp;Neu lesen</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::MainWindow</name>
    <message>
        <source>Lockstep</source>
        <translation>Lockstep</translation>
    </message>
    <message>
        <source>Pages</source>
        <translation>Seiten</translation>
    </message>
    <message>
        <source>Vaults</source>
        <translation>Tresore</translation>
    </message>
    <message>
        <source>Devices</source>
        <translation>Geräte</translation>
    </message>
    <message>
        <source>Activity</source>
        <translation>Verlauf</translation>
    </message>
    <message>
        <source>Conflicts</source>
        <translation>Konflikte</translation>
    </message>
    <message>
        <source>&amp;Vault</source>
        <translation>&amp;Tresor</translation>
    </message>
    <message>
        <source>&amp;New vault…</source>
        <translation>&amp;Neuer Tresor…</translation>
    </message>
    <message>
        <source>&amp;Join a vault…</source>
        <translation>Einem Tresor &amp;beitreten…</translation>
    </message>
    <message>
        <source>&amp;Open folder</source>
        <translation>Ordner ö&amp;ffnen</translation>
    </message>
    <message>
        <source>&amp;Unlock…</source>
        <translation>&amp;Entsperren…</translation>
    </message>
    <message>
        <source>&amp;Lock</source>
        <translation>&amp;Sperren</translation>
    </message>
    <message>
        <source>Lock &amp;all</source>
        <translation>&amp;Alle sperren</translation>
    </message>
    <message>
        <source>&amp;Invite a device…</source>
        <translation>Gerät e&amp;inladen…</translation>
    </message>
    <message>
        <source>&amp;Pause</source>
        <translation>&amp;Pause</translation>
    </message>
    <message>
        <source>Show as a &amp;folder…</source>
        <translation>Als O&amp;rdner zeigen…</translation>
    </message>
    <message>
        <source>Take the folder a&amp;way</source>
        <translation>Ordner &amp;wegnehmen</translation>
    </message>
    <message>
        <source>&amp;Check</source>
        <translation>&amp;Prüfen</translation>
    </message>
    <message>
        <source>&amp;Take off the list…</source>
        <translation>Von der &amp;Liste nehmen…</translation>
    </message>
    <message>
        <source>&amp;Settings…</source>
        <translation>Ei&amp;nstellungen…</translation>
    </message>
    <message>
        <source>&amp;Close the window</source>
        <translation>Fenster s&amp;chließen</translation>
    </message>
    <message>
        <source>&amp;Quit…</source>
        <translation>B&amp;eenden…</translation>
    </message>
    <message>
        <source>&amp;Show</source>
        <translation>&amp;Ansicht</translation>
    </message>
    <message>
        <source>%1 down, %2 up</source>
        <translation>%1 herunter, %2 hinauf</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <source>Limits: %1 down, %2 up</source>
        <translation>Grenzen: %1 herunter, %2 hinauf</translation>
    </message>
    <message>
        <source>History</source>
        <translation>Versionen</translation>
    </message>
    <message>
        <source>&amp;History</source>
        <translation>&amp;Versionen</translation>
    </message>
    <message>
        <source>Other limits</source>
        <translation>Andere Grenzen</translation>
    </message>
    <message>
        <source>While it is on, these limits count: %1 down, %2 up. It goes on and off by the hours in the settings, too; what is switched here counts until they say the same.</source>
        <translation>Solange es an ist, gelten diese Grenzen: %1 herunter, %2 hinauf. Auch die Stunden in den Einstellungen schalten es ein und aus; was hier geschaltet wird, gilt, bis sie dasselbe sagen.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::NewVaultPage</name>
    <message>
        <source>New vault</source>
        <translation>Neuer Tresor</translation>
    </message>
    <message>
        <source>What shall it be called, and where shall its files be seen?</source>
        <translation>Wie soll er heißen, und wo sollen seine Dateien zu sehen sein?</translation>
    </message>
    <message>
        <source>Name of the vault</source>
        <translation>Name des Tresors</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::NotRunningPage</name>
    <message>
        <source>&amp;Start the service</source>
        <translation>Dienst &amp;starten</translation>
    </message>
    <message>
        <source>Looking for the service…</source>
        <translation>Der Dienst wird gesucht…</translation>
    </message>
    <message>
        <source>The service does not run</source>
        <translation>Der Dienst läuft nicht</translation>
    </message>
    <message>
        <source>Lockstep&apos;s service (lockstepd) keeps your vaults in step. Without it nothing is synced or shown.</source>
        <translation>Der Dienst von Lockstep (lockstepd) hält Ihre Tresore im Gleichstand. Ohne ihn wird nichts abgeglichen oder gezeigt.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::PassphraseDialog</name>
    <message>
        <source>Current passphrase</source>
        <translation>Jetzige Passphrase</translation>
    </message>
    <message>
        <source>New passphrase</source>
        <translation>Neue Passphrase</translation>
    </message>
    <message>
        <source>The new passphrase again</source>
        <translation>Die neue Passphrase noch einmal</translation>
    </message>
    <message>
        <source>&amp;Without it: this device is unlocked</source>
        <translation>&amp;Ohne sie: dieses Gerät ist entsperrt</translation>
    </message>
    <message>
        <source>It opens the vault on &amp;this device only</source>
        <translation>Sie öffnet den Tresor nur auf &amp;diesem Gerät</translation>
    </message>
    <message>
        <source>One more passphrase of %1</source>
        <translation>Noch eine Passphrase von %1</translation>
    </message>
    <message>
        <source>Another passphrase of %1</source>
        <translation>Eine andere Passphrase für %1</translation>
    </message>
    <message>
        <source>Strength</source>
        <translation>Stärke</translation>
    </message>
    <message>
        <source>&amp;Add it</source>
        <translation>&amp;Hinzufügen</translation>
    </message>
    <message>
        <source>&amp;Change it</source>
        <translation>Ä&amp;ndern</translation>
    </message>
    <message>
        <source>C&amp;urrent passphrase:</source>
        <translation>&amp;Jetzige Passphrase:</translation>
    </message>
    <message>
        <source>&amp;New passphrase:</source>
        <translation>Neue &amp;Passphrase:</translation>
    </message>
    <message>
        <source>A&amp;gain:</source>
        <translation>Noch &amp;einmal:</translation>
    </message>
    <message>
        <source>Strength:</source>
        <translation>Stärke:</translation>
    </message>
    <message>
        <source>The two are not the same.</source>
        <translation>Die beiden sind nicht gleich.</translation>
    </message>
    <message>
        <source>That is not the current passphrase.</source>
        <translation>Das ist nicht die jetzige Passphrase.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::PassphraseEdit</name>
    <message>
        <source>Caps Lock is on</source>
        <translation>Die Feststelltaste ist an</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>Anzeigen</translation>
    </message>
    <message>
        <source>Show the passphrase</source>
        <translation>Passphrase anzeigen</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::PassphrasePage</name>
    <message>
        <source>Passphrase</source>
        <translation>Passphrase</translation>
    </message>
    <message>
        <source>The passphrase again</source>
        <translation>Die Passphrase noch einmal</translation>
    </message>
    <message>
        <source>It opens the vault on every device. Nobody can tell it to you again: several words that do not belong together are easy to remember and hard to guess.</source>
        <translation>Sie öffnet den Tresor auf jedem Gerät. Niemand kann sie Ihnen noch einmal sagen: Mehrere Wörter, die nicht zusammengehören, merkt man sich leicht und errät man schwer.</translation>
    </message>
    <message>
        <source>Strength</source>
        <translation>Stärke</translation>
    </message>
    <message>
        <source>&amp;Passphrase:</source>
        <translation>&amp;Passphrase:</translation>
    </message>
    <message>
        <source>&amp;Again:</source>
        <translation>&amp;Noch einmal:</translation>
    </message>
    <message>
        <source>Strength:</source>
        <translation>Stärke:</translation>
    </message>
    <message>
        <source>&amp;Make the vault</source>
        <translation>Tresor &amp;anlegen</translation>
    </message>
    <message>
        <source>The two are not the same.</source>
        <translation>Die beiden sind nicht gleich.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::PastModel</name>
    <message>
        <source>deleted %1 by %2</source>
        <translation>gelöscht %1 von %2</translation>
    </message>
    <message>
        <source>new</source>
        <translation>neu</translation>
    </message>
    <message>
        <source>deleted</source>
        <translation>gelöscht</translation>
    </message>
    <message>
        <source>changed</source>
        <translation>geändert</translation>
    </message>
    <message>
        <source>was called %1</source>
        <translation>hieß %1</translation>
    </message>
    <message>
        <source>other attributes</source>
        <translation>andere Eigenschaften</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>Changed</source>
        <translation>Geändert</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::PreviewDialog</name>
    <message>
        <source>The beginning of %1</source>
        <translation>Der Anfang von %1</translation>
    </message>
    <message>
        <source>The picture %1</source>
        <translation>Das Bild %1</translation>
    </message>
    <message>
        <source>Content of %1</source>
        <translation>Inhalt von %1</translation>
    </message>
    <message>
        <source>%1. Neither text nor a picture: save it elsewhere to open it.</source>
        <translation>%1. Weder Text noch Bild: Sichern Sie es anderswo, um es zu öffnen.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::ProxyForm</name>
    <message>
        <source>Use this pro&amp;xy</source>
        <translation>Diesen Pro&amp;xy verwenden</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keiner</translation>
    </message>
    <message>
        <source>SOCKS5</source>
        <translation>SOCKS5</translation>
    </message>
    <message>
        <source>HTTP (CONNECT)</source>
        <translation>HTTP (CONNECT)</translation>
    </message>
    <message>
        <source>Kind of proxy</source>
        <translation>Art des Proxys</translation>
    </message>
    <message>
        <source>Name or address of the proxy</source>
        <translation>Name oder Adresse des Proxys</translation>
    </message>
    <message>
        <source>Port of the proxy</source>
        <translation>Port des Proxys</translation>
    </message>
    <message>
        <source>User, where it wants one</source>
        <translation>Benutzer, wo er einen verlangt</translation>
    </message>
    <message>
        <source>User at the proxy</source>
        <translation>Benutzer beim Proxy</translation>
    </message>
    <message>
        <source>Password</source>
        <translation>Passwort</translation>
    </message>
    <message>
        <source>Password at the proxy</source>
        <translation>Passwort beim Proxy</translation>
    </message>
    <message>
        <source>Relays and devices in other networks are reached through it alone; devices on the local network directly.</source>
        <translation>Relays und Geräte in anderen Netzen werden nur über ihn erreicht, Geräte im lokalen Netz direkt.</translation>
    </message>
    <message>
        <source>The proxy&apos;s name or address is missing.</source>
        <translation>Name oder Adresse des Proxys fehlt.</translation>
    </message>
    <message>
        <source>There is a password and no user.</source>
        <translation>Es gibt ein Passwort, aber keinen Benutzer.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::QrCode</name>
    <message>
        <source>QR code of the link</source>
        <translation>QR-Code des Links</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::RecoveryCheckPage</name>
    <message>
        <source>Is the sheet there?</source>
        <translation>Ist das Blatt da?</translation>
    </message>
    <message>
        <source>Type three groups of letters from the sheet that you saved or printed.</source>
        <translation>Tippen Sie drei Buchstabengruppen von dem Blatt ab, das Sie gesichert oder gedruckt haben.</translation>
    </message>
    <message>
        <source>Group %1:</source>
        <translation>Gruppe %1:</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::RecoveryPage</name>
    <message>
        <source>Recovery sheet</source>
        <translation>Wiederherstellungsblatt</translation>
    </message>
    <message>
        <source>Whoever has this code can open the vault without the passphrase. Print it or save it where only you find it, apart from this device. It is shown this once.</source>
        <translation>Wer diesen Code hat, kann den Tresor ohne Passphrase öffnen. Drucken oder sichern Sie ihn, wo nur Sie ihn finden, getrennt von diesem Gerät. Er wird nur dieses eine Mal gezeigt.</translation>
    </message>
    <message>
        <source>&amp;Save…</source>
        <translation>&amp;Sichern…</translation>
    </message>
    <message>
        <source>&amp;Print…</source>
        <translation>&amp;Drucken…</translation>
    </message>
    <message>
        <source>Save the recovery sheet</source>
        <translation>Wiederherstellungsblatt sichern</translation>
    </message>
    <message>
        <source>recovery of %1.txt</source>
        <translation>Wiederherstellung von %1.txt</translation>
    </message>
    <message>
        <source>Lockstep recovery sheet

Vault: %1
Recovery code: %2

Whoever has this code can open the vault.
</source>
        <translation>Wiederherstellungsblatt von Lockstep

Tresor: %1
Wiederherstellungscode: %2

Wer diesen Code hat, kann den Tresor öffnen.
</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::RecoverySheetDialog</name>
    <message>
        <source>Recovery sheet of %1</source>
        <translation>Wiederherstellungsblatt von %1</translation>
    </message>
    <message>
        <source>Whoever has this sheet can open the vault without the passphrase. Print it or save it where only you find it. It is shown this once.</source>
        <translation>Wer dieses Blatt hat, kann den Tresor ohne die Passphrase öffnen. Drucken oder sichern Sie es, wo nur Sie es finden. Es wird nur dieses eine Mal gezeigt.</translation>
    </message>
    <message>
        <source>Recovery sheet</source>
        <translation>Wiederherstellungsblatt</translation>
    </message>
    <message>
        <source>&amp;Save…</source>
        <translation>&amp;Sichern…</translation>
    </message>
    <message>
        <source>&amp;Print…</source>
        <translation>&amp;Drucken…</translation>
    </message>
    <message>
        <source>&amp;Close without a copy</source>
        <translation>Ohne &amp;Kopie schließen</translation>
    </message>
    <message>
        <source>Save the recovery sheet</source>
        <translation>Wiederherstellungsblatt sichern</translation>
    </message>
    <message>
        <source>recovery of %1.txt</source>
        <translation>Wiederherstellung von %1.txt</translation>
    </message>
    <message>
        <source>&amp;Close</source>
        <translation>S&amp;chließen</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::RecoveryTestDialog</name>
    <message>
        <source>Test a recovery sheet</source>
        <translation>Ein Wiederherstellungsblatt prüfen</translation>
    </message>
    <message>
        <source>Type the code, or the lines with their checking words, from the sheet. Nothing is unlocked by it.</source>
        <translation>Tippen Sie den Code oder die Zeilen mit ihren Prüfwörtern vom Blatt ab. Entsperrt wird dadurch nichts.</translation>
    </message>
    <message>
        <source>Text of the sheet</source>
        <translation>Text des Blatts</translation>
    </message>
    <message>
        <source>&amp;Test it</source>
        <translation>&amp;Prüfen</translation>
    </message>
    <message>
        <source>Testing…</source>
        <translation>Wird geprüft…</translation>
    </message>
    <message>
        <source>It is right: it opens this vault.</source>
        <translation>Es stimmt: es öffnet diesen Tresor.</translation>
    </message>
    <message>
        <source>It does not open this vault.</source>
        <translation>Es öffnet diesen Tresor nicht.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::RelayList</name>
    <message>
        <source>Relays</source>
        <translation>Relays</translation>
    </message>
    <message>
        <source>Address of a relay</source>
        <translation>Adresse eines Relays</translation>
    </message>
    <message>
        <source>A&amp;dd</source>
        <translation>&amp;Hinzufügen</translation>
    </message>
    <message>
        <source>&amp;Test</source>
        <translation>&amp;Testen</translation>
    </message>
    <message>
        <source>&amp;Remove</source>
        <translation>&amp;Entfernen</translation>
    </message>
    <message>
        <source>%1: %2</source>
        <translation>%1: %2</translation>
    </message>
    <message>
        <source>Asking the relay…</source>
        <translation>Das Relay wird gefragt…</translation>
    </message>
    <message>
        <source>It answers, in %1 ms.</source>
        <translation>Es antwortet, in %1 ms.</translation>
    </message>
    <message>
        <source>tunnels</source>
        <translation>Tunnel</translation>
    </message>
    <message>
        <source>mailbox</source>
        <translation>Briefkasten</translation>
    </message>
    <message>
        <source>token</source>
        <translation>Zugangswort</translation>
    </message>
    <message>
        <source>key pinned</source>
        <translation>Schlüssel festgelegt</translation>
    </message>
    <message>
        <source>Token, where it wants one</source>
        <translation>Zugangswort, falls es eines will</translation>
    </message>
    <message>
        <source>Token of the relay</source>
        <translation>Zugangswort des Relays</translation>
    </message>
    <message>
        <source>Key, where no authority vouches for it</source>
        <translation>Schlüssel, falls keine Stelle für ihn bürgt</translation>
    </message>
    <message>
        <source>Key of the relay, 64 hexadecimal digits</source>
        <translation>Schlüssel des Relays, 64 hexadezimale Ziffern</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::RelayPage</name>
    <message>
        <source>&amp;A relay of my own:</source>
        <translation>&amp;Ein eigenes Relay:</translation>
    </message>
    <message>
        <source>&amp;Test</source>
        <translation>&amp;Testen</translation>
    </message>
    <message>
        <source>Relay</source>
        <translation>Relay</translation>
    </message>
    <message>
        <source>Address of the relay</source>
        <translation>Adresse des Relays</translation>
    </message>
    <message>
        <source>Asking the relay…</source>
        <translation>Das Relay wird gefragt…</translation>
    </message>
    <message>
        <source>It answers, in %1 ms.</source>
        <translation>Es antwortet, in %1 ms.</translation>
    </message>
    <message>
        <source>&amp;No relay</source>
        <translation>&amp;Kein Relay</translation>
    </message>
    <message>
        <source>A relay helps devices to find each other. It can read nothing. Devices that share a network, or know each other&apos;s address, need none.</source>
        <translation>Ein Relay hilft Geräten, einander zu finden. Es kann nichts lesen. Geräte, die ein Netz teilen oder die Adressen der anderen kennen, brauchen keines.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::SettingsDialog</name>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>&amp;General</source>
        <translation>&amp;Allgemein</translation>
    </message>
    <message>
        <source>&amp;Network</source>
        <translation>&amp;Netz</translation>
    </message>
    <message>
        <source>&amp;Vaults</source>
        <translation>&amp;Tresore</translation>
    </message>
    <message>
        <source>&amp;Advanced</source>
        <translation>&amp;Erweitert</translation>
    </message>
    <message>
        <source>This device is called %1.</source>
        <translation>Dieses Gerät heißt %1.</translation>
    </message>
    <message>
        <source>&amp;Rename…</source>
        <translation>&amp;Umbenennen…</translation>
    </message>
    <message>
        <source>&amp;Start Lockstep with my session</source>
        <translation>Lockstep mit meiner &amp;Sitzung starten</translation>
    </message>
    <message>
        <source>Notify me when</source>
        <translation>Benachrichtigen, wenn</translation>
    </message>
    <message>
        <source>Relays</source>
        <translation>Relays</translation>
    </message>
    <message>
        <source>Limits for all other devices together</source>
        <translation>Grenzen für alle anderen Geräte zusammen</translation>
    </message>
    <message>
        <source> KiB/s</source>
        <translation> KiB/s</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <source>&amp;Down:</source>
        <translation>&amp;Herunter:</translation>
    </message>
    <message>
        <source>&amp;Up:</source>
        <translation>Hina&amp;uf:</translation>
    </message>
    <message>
        <source>They count on the &amp;local network, too</source>
        <translation>Sie gelten auch im &amp;lokalen Netz</translation>
    </message>
    <message>
        <source>D&amp;own:</source>
        <translation>He&amp;runter:</translation>
    </message>
    <message>
        <source>U&amp;p:</source>
        <translation>Hinau&amp;f:</translation>
    </message>
    <message>
        <source>From the next start of the service on</source>
        <translation>Ab dem nächsten Start des Dienstes</translation>
    </message>
    <message>
        <source>Find devices on the local &amp;network</source>
        <translation>Geräte im lokalen Netz fin&amp;den</translation>
    </message>
    <message>
        <source>&amp;Port:</source>
        <translation>&amp;Port:</translation>
    </message>
    <message>
        <source>any free one</source>
        <translation>irgendein freier</translation>
    </message>
    <message>
        <source>Service:</source>
        <translation>Dienst:</translation>
    </message>
    <message>
        <source>version %1, port %2</source>
        <translation>Version %1, Port %2</translation>
    </message>
    <message>
        <source>Addresses:</source>
        <translation>Adressen:</translation>
    </message>
    <message>
        <source>This device:</source>
        <translation>Dieses Gerät:</translation>
    </message>
    <message>
        <source>Socket:</source>
        <translation>Socket:</translation>
    </message>
    <message>
        <source>Configuration:</source>
        <translation>Konfiguration:</translation>
    </message>
    <message>
        <source>&amp;Memory for each unlocked vault:</source>
        <translation>&amp;Speicher für jeden entsperrten Tresor:</translation>
    </message>
    <message>
        <source> MiB</source>
        <translation> MiB</translation>
    </message>
    <message>
        <source>It names no vault, no file and no device.</source>
        <translation>Sie nennt keinen Tresor, keine Datei und kein Gerät.</translation>
    </message>
    <message>
        <source>&amp;Security</source>
        <translation>&amp;Sicherheit</translation>
    </message>
    <message>
        <source>Sync nothing while the network is &amp;metered</source>
        <translation>Nichts abgleichen, solange das Netz nach &amp;Verbrauch kostet</translation>
    </message>
    <message>
        <source>&amp;Disk for content on demand, for each vault:</source>
        <translation>&amp;Platte für Inhalt bei Bedarf, je Tresor:</translation>
    </message>
    <message>
        <source>&amp;Other devices that promise to keep what goes:</source>
        <translation>A&amp;ndere Geräte, die behalten, was geht:</translation>
    </message>
    <message>
        <source>Hours in which the other limits count</source>
        <translation>Stunden, in denen die anderen Grenzen gelten</translation>
    </message>
    <message>
        <source>Hours: %1</source>
        <translation>Stunden: %1</translation>
    </message>
    <message>
        <source>Other limits, for some hours or when they are switched on</source>
        <translation>Andere Grenzen, für einige Stunden oder wenn sie eingeschaltet sind</translation>
    </message>
    <message>
        <source>Show the &amp;log…</source>
        <translation>&amp;Protokoll zeigen…</translation>
    </message>
    <message>
        <source>Save a &amp;bundle for bug reports…</source>
        <translation>&amp;Paket für Fehlerberichte sichern…</translation>
    </message>
    <message>
        <source>States, findings and the log, without names and secrets</source>
        <translation>Zustände, Befunde und das Protokoll, ohne Namen und Geheimnisse</translation>
    </message>
    <message>
        <source>&amp;Copy a description</source>
        <translation>&amp;Beschreibung kopieren</translation>
    </message>
    <message>
        <source>A new file for the bundle</source>
        <translation>Eine neue Datei für das Paket</translation>
    </message>
    <message>
        <source>%1 is written. Look through it before you hand it on.</source>
        <translation>%1 ist geschrieben. Sehen Sie es durch, bevor Sie es weitergeben.</translation>
    </message>
    <message>
        <source>The program lockstep is not installed.</source>
        <translation>Das Programm lockstep ist nicht installiert.</translation>
    </message>
    <message>
        <source>Collecting…</source>
        <translation>Wird gesammelt…</translation>
    </message>
    <message>
        <source>Proxy</source>
        <translation>Proxy</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::SetupWizard</name>
    <message>
        <source>Join a vault</source>
        <translation>Einem Tresor beitreten</translation>
    </message>
    <message>
        <source>New vault</source>
        <translation>Neuer Tresor</translation>
    </message>
    <message>
        <source>Welcome to Lockstep</source>
        <translation>Willkommen bei Lockstep</translation>
    </message>
    <message>
        <source>Close without a recovery sheet?</source>
        <translation>Ohne Wiederherstellungsblatt schließen?</translation>
    </message>
    <message>
        <source>The vault is made. Its recovery code is not shown again: without it the passphrase is the only way in.</source>
        <translation>Der Tresor ist angelegt. Sein Wiederherstellungscode wird nicht noch einmal gezeigt: Ohne ihn ist die Passphrase der einzige Weg hinein.</translation>
    </message>
    <message>
        <source>&amp;Close all the same</source>
        <translation>Trotzdem &amp;schließen</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::TrayIcon</name>
    <message>
        <source>The service does not run</source>
        <translation>Der Dienst läuft nicht</translation>
    </message>
    <message>
        <source>Lockstep: %1</source>
        <translation>Lockstep: %1</translation>
    </message>
    <message>
        <source>%1: %2</source>
        <translation>%1: %2</translation>
    </message>
    <message>
        <source>&amp;Open folder</source>
        <translation>Ordner ö&amp;ffnen</translation>
    </message>
    <message>
        <source>&amp;Unlock…</source>
        <translation>&amp;Entsperren…</translation>
    </message>
    <message>
        <source>&amp;Lock</source>
        <translation>&amp;Sperren</translation>
    </message>
    <message>
        <source>&amp;Pause</source>
        <translation>&amp;Pause</translation>
    </message>
    <message>
        <source>&amp;Invite a device…</source>
        <translation>Gerät e&amp;inladen…</translation>
    </message>
    <message>
        <source>&amp;Open Lockstep</source>
        <translation>Lockstep ö&amp;ffnen</translation>
    </message>
    <message>
        <source>Lock &amp;all</source>
        <translation>&amp;Alle sperren</translation>
    </message>
    <message>
        <source>&amp;Pause all</source>
        <translation>Alle &amp;pausieren</translation>
    </message>
    <message>
        <source>&amp;Conflicts (%1)</source>
        <translation>&amp;Konflikte (%1)</translation>
    </message>
    <message>
        <source>&amp;Recent changes</source>
        <translation>&amp;Letzte Änderungen</translation>
    </message>
    <message>
        <source>&amp;Settings…</source>
        <translation>Ei&amp;nstellungen…</translation>
    </message>
    <message>
        <source>&amp;Quit…</source>
        <translation>B&amp;eenden…</translation>
    </message>
    <message>
        <source>&amp;History</source>
        <translation>&amp;Versionen</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::UnderWayModel</name>
    <message>
        <source>%1 % here</source>
        <translation>%1 % hier</translation>
    </message>
    <message>
        <source>On its way here</source>
        <translation>Auf dem Weg hierher</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Rate</source>
        <translation>Geschwindigkeit</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::UnlockDialog</name>
    <message>
        <source>Passphrase</source>
        <translation>Passphrase</translation>
    </message>
    <message>
        <source>Unlock %1</source>
        <translation>%1 entsperren</translation>
    </message>
    <message>
        <source>&amp;Passphrase of %1:</source>
        <translation>&amp;Passphrase von %1:</translation>
    </message>
    <message>
        <source>U&amp;nlock</source>
        <translation>E&amp;ntsperren</translation>
    </message>
    <message>
        <source>Unlocking…</source>
        <translation>Wird entsperrt…</translation>
    </message>
    <message>
        <source>This is not the passphrase.</source>
        <translation>Das ist nicht die Passphrase.</translation>
    </message>
    <message>
        <source>until I lock it</source>
        <translation>bis ich ihn sperre</translation>
    </message>
    <message>
        <source>until nobody has used it for</source>
        <translation>bis er unbenutzt war für</translation>
    </message>
    <message>
        <source>always on this device</source>
        <translation>immer auf diesem Gerät</translation>
    </message>
    <message>
        <source>Unused minutes</source>
        <translation>Unbenutzte Minuten</translation>
    </message>
    <message>
        <source> minutes</source>
        <translation> Minuten</translation>
    </message>
    <message>
        <source>&amp;Keep it unlocked</source>
        <translation>&amp;Entsperrt lassen</translation>
    </message>
    <message>
        <source>After the next start of the service the passphrase is asked for again.</source>
        <translation>Nach dem nächsten Start des Dienstes wird wieder nach der Passphrase gefragt.</translation>
    </message>
    <message>
        <source>While files of it are open it is not locked.</source>
        <translation>Solange Dateien von ihm offen sind, wird er nicht gesperrt.</translation>
    </message>
    <message>
        <source>Your desktop&apos;s keychain keeps a secret for this device: whoever can open the keychain can read the vault.</source>
        <translation>Der Schlüsselbund Ihres Desktops bewahrt ein Geheimnis für dieses Gerät: Wer den Schlüsselbund öffnen kann, kann den Tresor lesen.</translation>
    </message>
    <message>
        <source>No keychain was found: the service keeps the key in a file of yours. Whoever can use your account can read the vault.</source>
        <translation>Es wurde kein Schlüsselbund gefunden: Der Dienst bewahrt den Schlüssel in einer Ihrer Dateien. Wer Ihr Konto benutzen kann, kann den Tresor lesen.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::VaultContent</name>
    <message>
        <source>&amp;As the folder above</source>
        <translation>&amp;Wie der Ordner darüber</translation>
    </message>
    <message>
        <source>Content on this device</source>
        <translation>Inhalt auf diesem Gerät</translation>
    </message>
    <message>
        <source>Of the whole vault</source>
        <translation>Vom ganzen Tresor</translation>
    </message>
    <message>
        <source>Everything is here</source>
        <translation>Alles ist hier</translation>
    </message>
    <message>
        <source>On demand: what was used, as long as there is room</source>
        <translation>Bei Bedarf: was benutzt wurde, solange Platz ist</translation>
    </message>
    <message>
        <source>Folders and files with a choice of their own</source>
        <translation>Ordner und Dateien mit eigener Wahl</translation>
    </message>
    <message>
        <source>Folder or file in the vault</source>
        <translation>Ordner oder Datei im Tresor</translation>
    </message>
    <message>
        <source>What is kept of it</source>
        <translation>Was davon behalten wird</translation>
    </message>
    <message>
        <source>always here</source>
        <translation>immer hier</translation>
    </message>
    <message>
        <source>on demand</source>
        <translation>bei Bedarf</translation>
    </message>
    <message>
        <source>here</source>
        <translation>hier</translation>
    </message>
    <message>
        <source>&amp;Set</source>
        <translation>&amp;Setzen</translation>
    </message>
    <message>
        <source>Free what &amp;need not be here</source>
        <translation>&amp;Freigeben, was nicht hier sein muss</translation>
    </message>
    <message>
        <source>Versions of the past, on every device</source>
        <translation>Frühere Fassungen, auf jedem Gerät</translation>
    </message>
    <message>
        <source>What is kept of the past</source>
        <translation>Was von früher behalten wird</translation>
    </message>
    <message>
        <source>all 30d: every version of 30 days. daily 1y: what was shown at the beginning of each day, for a year. Also hourly, weekly, monthly, yearly; h, d, w, y.</source>
        <translation>all 30d: jede Fassung von 30 Tagen. daily 1y: was zu Beginn jedes Tages zu sehen war, ein Jahr lang. Auch hourly, weekly, monthly, yearly; h, d, w, y.</translation>
    </message>
    <message>
        <source>S&amp;et</source>
        <translation>S&amp;etzen</translation>
    </message>
    <message>
        <source>%1: %2</source>
        <translation>%1: %2</translation>
    </message>
    <message>
        <source>Kept now: %1</source>
        <translation>Behalten wird jetzt: %1</translation>
    </message>
    <message>
        <source>Kept now: %1, as nothing was chosen</source>
        <translation>Behalten wird jetzt: %1, da nichts gewählt wurde</translation>
    </message>
    <message>
        <source>Asking the other devices to keep it…</source>
        <translation>Die anderen Geräte werden gebeten, es zu behalten…</translation>
    </message>
    <message>
        <source>%1 are free now.</source>
        <translation>%1 sind jetzt frei.</translation>
    </message>
    <message>
        <source>%1: stays here (%2)</source>
        <translation>%1: bleibt hier (%2)</translation>
    </message>
    <message>
        <source> MiB</source>
        <translation> MiB</translation>
    </message>
    <message>
        <source>as for all vaults</source>
        <translation>wie bei allen Tresoren</translation>
    </message>
    <message>
        <source>Space for what is on &amp;demand:</source>
        <translation>Platz für das, was bei &amp;Bedarf kommt:</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::VaultDetail</name>
    <message>
        <source>Content that is here</source>
        <translation>Inhalt, der hier ist</translation>
    </message>
    <message>
        <source>Folder:</source>
        <translation>Ordner:</translation>
    </message>
    <message>
        <source>Encrypted in:</source>
        <translation>Verschlüsselt in:</translation>
    </message>
    <message>
        <source>Content:</source>
        <translation>Inhalt:</translation>
    </message>
    <message>
        <source>Rates:</source>
        <translation>Raten:</translation>
    </message>
    <message>
        <source>Other devices:</source>
        <translation>Andere Geräte:</translation>
    </message>
    <message>
        <source>Notes:</source>
        <translation>Hinweise:</translation>
    </message>
    <message>
        <source>&amp;Open folder</source>
        <translation>Ordner ö&amp;ffnen</translation>
    </message>
    <message>
        <source>&amp;Lock</source>
        <translation>&amp;Sperren</translation>
    </message>
    <message>
        <source>&amp;Invite…</source>
        <translation>E&amp;inladen…</translation>
    </message>
    <message>
        <source>Un&amp;lock…</source>
        <translation>Ent&amp;sperren…</translation>
    </message>
    <message>
        <source>not shown as a folder now</source>
        <translation>jetzt nicht als Ordner zu sehen</translation>
    </message>
    <message>
        <source>%1 in %2 packs</source>
        <translation>%1 in %2 Paketen</translation>
    </message>
    <message>
        <source>%1 files, %2 folders, %3</source>
        <translation>%1 Dateien, %2 Ordner, %3</translation>
    </message>
    <message>
        <source>%1 down, %2 up</source>
        <translation>%1 herunter, %2 hinauf</translation>
    </message>
    <message>
        <source>none yet</source>
        <translation>noch keine</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <source>as much room as it needs</source>
        <translation>so viel Platz wie nötig</translation>
    </message>
    <message>
        <source>of %1 that it may take</source>
        <translation>von %1, die er belegen darf</translation>
    </message>
    <message>
        <source>&amp;Pause…</source>
        <translation>&amp;Pause…</translation>
    </message>
    <message>
        <source>Files on their way here</source>
        <translation>Dateien auf dem Weg hierher</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::VaultModel</name>
    <message>
        <source>unknown</source>
        <translation>unbekannt</translation>
    </message>
    <message>
        <source>complete</source>
        <translation>vollständig</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 von %2</translation>
    </message>
    <message>
        <source>Vault</source>
        <translation>Tresor</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Zustand</translation>
    </message>
    <message>
        <source>Content here</source>
        <translation>Inhalt hier</translation>
    </message>
    <message>
        <source>Devices online</source>
        <translation>Geräte online</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>Last synced</source>
        <translation>Zuletzt abgeglichen</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::VaultSecurity</name>
    <message>
        <source>recovery code</source>
        <translation>Wiederherstellungscode</translation>
    </message>
    <message>
        <source>passphrase of this device</source>
        <translation>Passphrase dieses Geräts</translation>
    </message>
    <message>
        <source>passphrase</source>
        <translation>Passphrase</translation>
    </message>
    <message>
        <source>%1, made %2</source>
        <translation>%1, gemacht %2</translation>
    </message>
    <message>
        <source>%1, made %2 on %3</source>
        <translation>%1, gemacht %2 auf %3</translation>
    </message>
    <message>
        <source>Vault</source>
        <translation>Tresor</translation>
    </message>
    <message>
        <source>Locking</source>
        <translation>Sperren</translation>
    </message>
    <message>
        <source> minutes</source>
        <translation> Minuten</translation>
    </message>
    <message>
        <source>never</source>
        <translation>nie</translation>
    </message>
    <message>
        <source>Lock it &amp;before this device goes to sleep</source>
        <translation>Sperren, &amp;bevor dieses Gerät schlafen geht</translation>
    </message>
    <message>
        <source>&amp;Ask for the passphrase again</source>
        <translation>Wieder &amp;nach der Passphrase fragen</translation>
    </message>
    <message>
        <source>&amp;Lock it when it was not used for:</source>
        <translation>Sperren, &amp;wenn unbenutzt für:</translation>
    </message>
    <message>
        <source>What opens it</source>
        <translation>Was ihn öffnet</translation>
    </message>
    <message>
        <source>&amp;Change the passphrase…</source>
        <translation>Passphrase ä&amp;ndern…</translation>
    </message>
    <message>
        <source>A&amp;dd one…</source>
        <translation>&amp;Hinzufügen…</translation>
    </message>
    <message>
        <source>&amp;Remove it</source>
        <translation>&amp;Entfernen</translation>
    </message>
    <message>
        <source>Recovery sheet and keys</source>
        <translation>Wiederherstellungsblatt und Schlüssel</translation>
    </message>
    <message>
        <source>&amp;Make a new sheet…</source>
        <translation>Neues &amp;Blatt…</translation>
    </message>
    <message>
        <source>&amp;Test a sheet…</source>
        <translation>Blatt &amp;prüfen…</translation>
    </message>
    <message>
        <source>New &amp;keys…</source>
        <translation>Neue &amp;Schlüssel…</translation>
    </message>
    <message>
        <source>It unlocks by itself, with a secret in the desktop&apos;s keychain.</source>
        <translation>Er entsperrt sich von selbst, mit einem Geheimnis im Schlüsselbund des Desktops.</translation>
    </message>
    <message>
        <source>It unlocks by itself: the service keeps its key in a file of yours.</source>
        <translation>Er entsperrt sich von selbst: Der Dienst bewahrt seinen Schlüssel in einer Ihrer Dateien.</translation>
    </message>
    <message>
        <source>It asks for its passphrase. How long it stays unlocked you choose when you unlock it.</source>
        <translation>Er fragt nach seiner Passphrase. Wie lange er entsperrt bleibt, wählen Sie beim Entsperren.</translation>
    </message>
    <message>
        <source>The passphrase opens it, too, from now on.</source>
        <translation>Auch diese Passphrase öffnet ihn von nun an.</translation>
    </message>
    <message>
        <source>The passphrase was changed. Copies of the vault&apos;s directory made before still open with the old one.</source>
        <translation>Die Passphrase wurde geändert. Frühere Kopien des Tresorverzeichnisses öffnen sich noch mit der alten.</translation>
    </message>
    <message>
        <source>Choose in the list what is to be removed.</source>
        <translation>Wählen Sie in der Liste, was entfernt werden soll.</translation>
    </message>
    <message>
        <source>Remove it?</source>
        <translation>Entfernen?</translation>
    </message>
    <message>
        <source>Nothing that is written from now on opens with: %1</source>
        <translation>Nichts, was von nun an geschrieben wird, öffnet sich mit: %1</translation>
    </message>
    <message>
        <source>Make a new sheet?</source>
        <translation>Neues Blatt machen?</translation>
    </message>
    <message>
        <source>The sheet that you have now will not open what is written from then on.</source>
        <translation>Das Blatt, das Sie jetzt haben, öffnet nicht, was von da an geschrieben wird.</translation>
    </message>
    <message>
        <source>&amp;Make a new sheet</source>
        <translation>Neues Blatt &amp;machen</translation>
    </message>
    <message>
        <source>New keys?</source>
        <translation>Neue Schlüssel?</translation>
    </message>
    <message>
        <source>What is written from then on has keys that nobody had before. All members get them by themselves. Do this when somebody may have seen a key.</source>
        <translation>Was von da an geschrieben wird, hat Schlüssel, die vorher niemand hatte. Alle Mitglieder bekommen sie von selbst. Tun Sie das, wenn jemand einen Schlüssel gesehen haben kann.</translation>
    </message>
    <message>
        <source>&amp;New keys</source>
        <translation>&amp;Neue Schlüssel</translation>
    </message>
    <message>
        <source>It has new keys.</source>
        <translation>Er hat neue Schlüssel.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::VaultSettings</name>
    <message>
        <source>Vault</source>
        <translation>Tresor</translation>
    </message>
    <message>
        <source>Mirrors</source>
        <translation>Spiegel</translation>
    </message>
    <message>
        <source>&amp;Add a folder…</source>
        <translation>Ordner &amp;hinzufügen…</translation>
    </message>
    <message>
        <source>&amp;Remove</source>
        <translation>&amp;Entfernen</translation>
    </message>
    <message>
        <source>Space</source>
        <translation>Platz</translation>
    </message>
    <message>
        <source>&amp;How much can be freed?</source>
        <translation>&amp;Wie viel lässt sich freigeben?</translation>
    </message>
    <message>
        <source>&amp;Free it</source>
        <translation>&amp;Freigeben</translation>
    </message>
    <message>
        <source>It unlocks by itself: this device keeps its key.</source>
        <translation>Er entsperrt sich von selbst: Dieses Gerät behält seinen Schlüssel.</translation>
    </message>
    <message>
        <source>It asks for its passphrase. To unlock it by itself, say so when you unlock it.</source>
        <translation>Er fragt nach seiner Passphrase. Soll er sich von selbst entsperren, sagen Sie das beim Entsperren.</translation>
    </message>
    <message>
        <source> (folder %1)</source>
        <translation> (Ordner %1)</translation>
    </message>
    <message>
        <source>%1%2: %3</source>
        <translation>%1%2: %3</translation>
    </message>
    <message>
        <source>A folder to keep equal to the vault</source>
        <translation>Ein Ordner, der dem Tresor gleich bleiben soll</translation>
    </message>
    <message>
        <source>The folder stays as it is; it is not kept equal any more.</source>
        <translation>Der Ordner bleibt, wie er ist; er wird nicht mehr gleich gehalten.</translation>
    </message>
    <message>
        <source>%1 can be freed.</source>
        <translation>%1 lassen sich freigeben.</translation>
    </message>
    <message>
        <source>%1 are freed as soon as every device has agreed.</source>
        <translation>%1 werden frei, sobald jedes Gerät zugestimmt hat.</translation>
    </message>
    <message>
        <source>Con&amp;tent</source>
        <translation>&amp;Inhalt</translation>
    </message>
    <message>
        <source>&amp;Mirrors</source>
        <translation>&amp;Spiegel</translation>
    </message>
    <message>
        <source>Plain folders that are kept equal to the vault:</source>
        <translation>Gewöhnliche Ordner, die dem Tresor gleich gehalten werden:</translation>
    </message>
    <message>
        <source>What is &amp;ignored…</source>
        <translation>Was &amp;ignoriert wird…</translation>
    </message>
    <message>
        <source>What the versions of the past do not need can be freed, on every device.</source>
        <translation>Was die früheren Fassungen nicht brauchen, kann auf jedem Gerät freigegeben werden.</translation>
    </message>
    <message>
        <source>It is held here for other devices; nothing of it can be read here.</source>
        <translation>Er wird hier für andere Geräte verwahrt; nichts davon kann hier gelesen werden.</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::VaultsPage</name>
    <message>
        <source>Vaults</source>
        <translation>Tresore</translation>
    </message>
    <message>
        <source>There is no vault on this device yet. Make a new one, or join one that another of your devices has.</source>
        <translation>Auf diesem Gerät gibt es noch keinen Tresor. Legen Sie einen neuen an, oder treten Sie einem bei, den ein anderes Ihrer Geräte hat.</translation>
    </message>
    <message>
        <source>&amp;New vault…</source>
        <translation>&amp;Neuer Tresor…</translation>
    </message>
    <message>
        <source>&amp;Join a vault…</source>
        <translation>Einem Tresor &amp;beitreten…</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::VersionModel</name>
    <message>
        <source>not kept any more</source>
        <translation>nicht mehr aufbewahrt</translation>
    </message>
    <message>
        <source>shown now</source>
        <translation>jetzt gezeigt</translation>
    </message>
    <message>
        <source>shown beside another one</source>
        <translation>neben einer anderen gezeigt</translation>
    </message>
    <message>
        <source>deleted by %1</source>
        <translation>gelöscht von %1</translation>
    </message>
    <message>
        <source>replaced by %1</source>
        <translation>ersetzt von %1</translation>
    </message>
    <message>
        <source>lost a conflict</source>
        <translation>in einem Konflikt unterlegen</translation>
    </message>
    <message>
        <source>Written</source>
        <translation>Geschrieben</translation>
    </message>
    <message>
        <source>By</source>
        <translation>Von</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>What became of it</source>
        <translation>Was daraus wurde</translation>
    </message>
</context>
<context>
    <name>lockstep::gui::WeekGrid</name>
    <message>
        <source>%1 %2–%3</source>
        <translation>%1 %2–%3</translation>
    </message>
    <message>
        <source>never</source>
        <translation>nie</translation>
    </message>
    <message>
        <source>Draw over the hours. Arrow keys move, Space switches half an hour, Shift with an arrow goes on with it.</source>
        <translation>Ziehen Sie über die Stunden. Pfeiltasten bewegen, die Leertaste schaltet eine halbe Stunde, Umschalt mit Pfeil setzt sie fort.</translation>
    </message>
    <message>
        <source>%1 %2: %3</source>
        <translation>%1 %2: %3</translation>
    </message>
    <message>
        <source>on</source>
        <translation>an</translation>
    </message>
    <message>
        <source>off</source>
        <translation>aus</translation>
    </message>
</context>
<context>
    <name>main</name>
    <message>
        <source>Keeps encrypted vaults in step across your devices</source>
        <translation>Hält verschlüsselte Tresore auf Ihren Geräten im Gleichstand</translation>
    </message>
    <message>
        <source>Only the tray icon, where there is a tray</source>
        <translation>Nur das Symbol in der Leiste, wo es eine gibt</translation>
    </message>
    <message>
        <source>an invitation: lockstep:...</source>
        <translation>eine Einladung: lockstep:...</translation>
    </message>
    <message>
        <source>The versions of a file, as V:PATH or as a path here</source>
        <translation>Die Versionen einer Datei, als V:PFAD oder als Pfad hier</translation>
    </message>
</context>
</TS>
