# @TEST-DOC: The same with a block that nobody has seen, and one of which nobody has seen the answer.
#
# @TEST-PORT: MANAGER_PORT
# @TEST-PORT: PROXY_PORT
# @TEST-PORT: WORKER_1_PORT
# @TEST-PORT: WORKER_2_PORT
# @TEST-EXEC: ${SCRIPTS}/cluster ${PCAPS}/melsoft-udp-program-download.pcap "src host 192.168.3.18 and not port 49200" "src host 192.168.3.250 and not port 49200 and not port 49210" %INPUT
# @TEST-EXEC: ${SCRIPTS}/same-logs melsec melsec_engineering melsec_assets notice files weird > same && btest-diff same
