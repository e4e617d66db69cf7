# Read by `melsec-nsm doctor` behind local.zeek, with --parse-only: says what options are set to. Conditions of @if
# are evaluated while scripts are parsed, so that nothing of the site's own runs.

module MelsecDoctor;

function tell(name: string): bool
	{
	print fmt("melsec-doctor %s=%s", name, lookup_ID(name));
	return F;
	}

@if ( tell("ignore_checksums") )
@endif

@ifdef ( MELSEC::policy_file )
@if ( tell("MELSEC::policy_file") )
@endif
@endif
