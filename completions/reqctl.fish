# fish completion of reqctl; the candidates come from reqctl and its server.
function __reqctl_complete
    set -l words (commandline -opc)
    set -l found ($words[1] __complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
    if test "$found" = :files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c reqctl -f -a '(__reqctl_complete)'
