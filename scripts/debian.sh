# shellcheck shell=bash
# What the scripts that try filmgate against other Debian releases share. Source it after env.sh.
# It installs nothing and leaves the system's apt alone.

# The Debian mirror of this machine's own apt sources, in either of their formats, without a slash at the end.
# FILMGATE_DEBIAN_MIRROR names another one, where the sources have none (Ubuntu) or a slow one.
debian_mirror() {
    local uri
    uri=${FILMGATE_DEBIAN_MIRROR:-}
    # The label comes from the mirror's Release file and is unknown before the first `apt-get update`.
    [ -n "$uri" ] || uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null | head -n 1)
    [ -n "$uri" ] || uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m 1 '/debian/*$')
    [ -n "$uri" ] && say "${uri%/}"
}

# The keys of all Debian releases, the newest included: as this machine's package debian-archive-keyring has them.
debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
