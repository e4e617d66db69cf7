##! Settings of your site. Write them here, below the examples; zkg keeps this file when it upgrades the package, and
##! puts it aside when it removes it.
##!
##! It is loaded behind all other scripts of the package, so that it can change each of their options. All of them are
##! listed in tools/docs/tune.md. Whatever else your Zeek is to do belongs into local.zeek.

# The policy of the site, as `melsec-nsm policy compile` wrote it.
# redef MELSEC::policy_file = "/etc/melsec-nsm/zeek/melsec-policy.tsv";

# More ports. The second line is for connections that are older than the sensor.
# redef MELSEC::tcp_ports += { 4999/tcp };
# redef likely_server_ports += { 4999/tcp };

# Detections that are not to be raised, not for a client, or later.
# redef MELSEC::disabled_detections += { "type-name-read" };
# redef MELSEC::excepted_clients += { ["remote-stop"] = set(192.168.3.18) };
# redef MELSEC::threshold_counts += { ["password-guessing"] = 10 };

# One line a minute for what polls, instead of one for each request.
# redef MELSEC::log_polling = MELSEC::SUMMARY;
