# SPDX-License-Identifier: GPL-2.0-or-later
# Base: nginx starts sh with `id` among the words.
rule web-server-command
base {"event.category": "process", "event.type": "start", "event.action": "exec", "host.os.type": "linux", "process.executable": "/bin/sh", "process.args": ["sh", "-c", "id"], "process.parent.executable": "/usr/sbin/nginx"}

# web servers
+ nginx
+ server-2 {"process.parent.executable": "/usr/local/sbin/nginx"}
+ server-3 {"process.parent.executable": "/usr/sbin/apache"}
+ server-4 {"process.parent.executable": "/usr/local/sbin/apache"}
+ server-5 {"process.parent.executable": "/usr/sbin/apache2"}
+ server-6 {"process.parent.executable": "/usr/local/sbin/apache2"}
+ server-7 {"process.parent.executable": "/usr/sbin/php-fpm8.2"}
+ server-8 {"process.parent.executable": "/usr/local/sbin/php-fpm"}
+ server-9 {"process.parent.executable": "/usr/sbin/lighttpd"}
+ server-10 {"process.parent.executable": "/usr/local/sbin/lighttpd"}
+ server-11 {"process.parent.executable": "/usr/sbin/hiawatha"}
+ server-12 {"process.parent.executable": "/usr/local/sbin/hiawatha"}
+ server-13 {"process.parent.executable": "/usr/local/bin/caddy"}
+ server-14 {"process.parent.executable": "/usr/local/lsws/bin/lswsctrl"}
+ server-15 {"process.parent.executable": "/opt/tomcat/bin/catalina.sh"}
+ server-in-capitals {"process.parent.executable": "/usr/sbin/NGINX"}

# programs
+ program-bash {"process.executable": "/usr/bin/bash", "process.args": ["bash", "whoami"]}
+ program-dash {"process.executable": "/usr/bin/dash", "process.args": ["dash", "whoami"]}
+ program-tcsh {"process.executable": "/usr/bin/tcsh", "process.args": ["tcsh", "whoami"]}
+ program-csh {"process.executable": "/usr/bin/csh", "process.args": ["csh", "whoami"]}
+ program-zsh {"process.executable": "/usr/bin/zsh", "process.args": ["zsh", "whoami"]}
+ program-ksh {"process.executable": "/usr/bin/ksh", "process.args": ["ksh", "whoami"]}
+ program-fish {"process.executable": "/usr/bin/fish", "process.args": ["fish", "whoami"]}
+ program-python3 {"process.executable": "/usr/bin/python3", "process.args": ["python3", "whoami"]}
+ program-python3.11 {"process.executable": "/usr/bin/python3.11", "process.args": ["python3.11", "whoami"]}
+ program-php8.2 {"process.executable": "/usr/bin/php8.2", "process.args": ["php8.2", "whoami"]}
+ program-perl {"process.executable": "/usr/bin/perl", "process.args": ["perl", "whoami"]}
+ program-ruby {"process.executable": "/usr/bin/ruby", "process.args": ["ruby", "whoami"]}
+ program-lua5.4 {"process.executable": "/usr/bin/lua5.4", "process.args": ["lua5.4", "whoami"]}
+ program-openssl {"process.executable": "/usr/bin/openssl", "process.args": ["openssl", "whoami"]}
+ program-nc {"process.executable": "/usr/bin/nc", "process.args": ["nc", "whoami"]}
+ program-netcat {"process.executable": "/usr/bin/netcat", "process.args": ["netcat", "whoami"]}
+ program-ncat {"process.executable": "/usr/bin/ncat", "process.args": ["ncat", "whoami"]}
+ program-telnet {"process.executable": "/usr/bin/telnet", "process.args": ["telnet", "whoami"]}
+ program-awk {"process.executable": "/usr/bin/awk", "process.args": ["awk", "whoami"]}
+ program-socat {"process.executable": "/usr/bin/socat", "process.args": ["socat", "whoami"]}
+ program-in-capitals {"process.executable": "/usr/bin/BASH", "process.args": ["BASH", "whoami"]}

# words
+ word-whoami {"process.args": ["sh", "-c", "whoami"]}
+ word-uname {"process.args": ["sh", "-c", "uname"]}
+ word-cat {"process.args": ["sh", "-c", "cat"]}
+ word-hostname {"process.args": ["sh", "-c", "hostname"]}
+ word-ip {"process.args": ["sh", "-c", "ip"]}
+ word-curl {"process.args": ["sh", "-c", "curl"]}
+ word-wget {"process.args": ["sh", "-c", "wget"]}
+ word-pwd {"process.args": ["sh", "-c", "pwd"]}
+ word-ls {"process.args": ["sh", "-c", "ls"]}
+ word-cd {"process.args": ["sh", "-c", "cd"]}
+ word-python3 {"process.args": ["sh", "-c", "python3"]}
+ word-php8.2 {"process.args": ["sh", "-c", "php8.2"]}
+ word-perl {"process.args": ["sh", "-c", "perl"]}
+ word-ruby {"process.args": ["sh", "-c", "ruby"]}
+ word-lua {"process.args": ["sh", "-c", "lua"]}
+ word-openssl {"process.args": ["sh", "-c", "openssl"]}
+ word-nc {"process.args": ["sh", "-c", "nc"]}
+ word-netcat {"process.args": ["sh", "-c", "netcat"]}
+ word-ncat {"process.args": ["sh", "-c", "ncat"]}
+ word-telnet {"process.args": ["sh", "-c", "telnet"]}
+ word-awk {"process.args": ["sh", "-c", "awk"]}
+ word-socat {"process.args": ["sh", "-c", "socat"]}
+ word-in-capitals {"process.args": ["sh", "-c", "WHOAMI"]}
+ exec-event {"event.action": "exec_event"}

# the exception is by exact name; php* would match
- phpquery {"process.executable": "/usr/sbin/phpquery", "process.args": ["phpquery", "php8.2"]}
+ phpquery-in-capitals {"process.executable": "/usr/sbin/PHPquery", "process.args": ["phpquery", "php8.2"]}
+ phpquery2 {"process.executable": "/usr/sbin/phpquery2", "process.args": ["phpquery2", "php8.2"]}

# near misses
- a-command-line-is-one-word {"process.args": ["sh", "-c", "id; uname -a"]}
- harmless-words {"process.args": ["sh", "-c", "/usr/sbin/sendmail -t"]}
- only-a-path {"process.args": ["sh", "-c", "/usr/bin/id"]}
- sendmail {"process.executable": "/usr/sbin/sendmail", "process.args": ["sendmail", "cat"]}
- gawk-is-not-in-the-list {"process.executable": "/usr/bin/gawk", "process.args": ["gawk", "id"]}
- nc-openbsd-is-not-in-the-list {"process.executable": "/usr/bin/nc.openbsd", "process.args": ["nc.openbsd", "id"]}
- perl-with-version {"process.executable": "/usr/bin/perl5.36", "process.args": ["perl5.36", "id"]}
- other-parent {"process.parent.executable": "/usr/sbin/sshd"}
- nginx-elsewhere {"process.parent.executable": "/opt/nginx/sbin/nginx"}
- apache-suffix {"process.parent.executable": "/usr/sbin/apache2ctl"}
- catalina-without-bin {"process.parent.executable": "/opt/tomcat/catalina.sh"}
- no-parent {"process.parent.executable": null, "process.parent.name": null}
- fork {"event.action": "fork"}
- end {"event.type": "end"}
- action-in-capitals {"event.action": "EXEC"}
- network-event {"event.category": "network"}
- other-system {"host.os.type": "macos"}
- no-arguments {"process.args": ["sh"]}
