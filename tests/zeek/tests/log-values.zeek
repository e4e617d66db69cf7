# @TEST-DOC: Values that are read and written are logged where the option says so.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/commands-3e-binary-tcp.pcap base/protocols/conn ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="command subcommand operation target values" melsec.log > melsec.cut && btest-diff melsec.cut
# @TEST-EXEC: test ! -f reporter.log

redef MELSEC::log_values = T;
